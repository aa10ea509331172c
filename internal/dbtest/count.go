package dbtest

import (
	"database/sql"
	"strings"
	"sync"
	"testing"
)

// Counter counts what is asked of a database. Preparing is not counted: each
// text is prepared once in the life of a process.
type Counter struct {
	mu           sync.Mutex
	transactions int
	texts        []string
}

// Count returns a pool over the database at the URL, and what counts its use.
func Count(t testing.TB, databaseURL string) (*sql.DB, *Counter) {
	t.Helper()
	c := new(Counter)
	return Wrap(t, databaseURL, Hooks{After: c.after}), c
}

func (c *Counter) after(op Op, query string, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch op {
	case OpBegin:
		c.transactions++
	case OpExec, OpQuery:
		c.texts = append(c.texts, query)
	}
	return err
}

// Counts is what a [Counter] has counted.
type Counts struct {
	Statements   int // BEGIN, COMMIT and ROLLBACK apart
	Reads        int // those of them that are a SELECT
	Transactions int
	Texts        []string // of the statements, in their order
}

// Take returns what was counted since the last Take.
func (c *Counter) Take() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := Counts{Statements: len(c.texts), Transactions: c.transactions, Texts: c.texts}
	for _, text := range c.texts {
		if strings.HasPrefix(strings.TrimSpace(text), "SELECT") {
			taken.Reads++
		}
	}
	c.texts, c.transactions = nil, 0
	return taken
}
