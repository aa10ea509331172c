package dbtest

import (
	"database/sql"
	"strings"
	"sync"
	"testing"
)

// Counter counts the statements and transactions of a database. It does not count
// preparing, because each text is prepared once per process.
type Counter struct {
	mu           sync.Mutex
	transactions int
	texts        []string
}

// Count returns a pool for the database at the URL, and the counter of its statements.
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

// Counts are the numbers of a [Counter].
type Counts struct {
	Statements   int // without BEGIN, COMMIT and ROLLBACK
	Reads        int // the SELECTs among the statements
	Transactions int
	Texts        []string // the statements, in order
}

// Take returns the counts since the last call of Take.
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
