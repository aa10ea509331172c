package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	countUp    = `UPDATE oauth_counters SET value = value + 1 WHERE name = 'client_id'`
	startCount = `INSERT INTO oauth_counters (name, value) VALUES (?, ?)`
	counted    = `SELECT n.value FROM oauth_counters n WHERE n.name = 'client_id'`
	countPast  = `UPDATE oauth_counters SET value = ? WHERE name = 'client_id' AND value = ?`
)

var clientsAmong = `SELECT c.id FROM oauth_clients c WHERE c.id IN ` + page

// createNumbered creates a client with the next free number as its ID, and returns the
// ID. The counter is a row, so that concurrent calls wait for each other or retry. A
// sequence would leave gaps, and on Galera it counts in steps.
//
// If a number is taken, for example by an import, the insert fails. The taken numbers
// are skipped outside the transaction, because there may be too many for one
// transaction.
func (s *Store) createNumbered(ctx context.Context, c newClient) (string, error) {
	for last := ""; ; {
		var id string
		err := s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
			n, err := nextNumber(ctx, tx)
			if err != nil {
				return fmt.Errorf("count up: %w", err)
			}
			id = strconv.FormatInt(n, 10)
			return c.save(ctx, tx, id)
		})
		if !errors.Is(err, oauth.ErrConflict) || id == last {
			return id, err
		}
		last = id
		switch _, keyErr := s.ClientByKey(ctx, c.Key); {
		case keyErr == nil:
			return "", err // the key is taken, not the number
		case !errors.Is(keyErr, oauth.ErrNotFound):
			return "", keyErr
		}
		if err := s.skipTaken(ctx); err != nil {
			return "", fmt.Errorf("skip taken numbers: %w", err)
		}
	}
}

// nextNumber increments the counter. If the counter's row is missing, it starts again.
// The migration inserts the row, but it may have been deleted with all other rows.
func nextNumber(ctx context.Context, tx *sqldb.Tx) (n int64, err error) {
	found, err := tx.Exec(ctx, countUp)
	if err == nil && found == 0 {
		if _, err = tx.Insert(ctx, startCount, "client_id", 0); err == nil {
			_, err = tx.Exec(ctx, countUp)
		}
	}
	if err != nil {
		return 0, err
	}
	err = tx.Row(ctx, counted, func(row sqldb.Row) error { return row.Scan(&n) })
	return n, err
}

// skipTaken sets the counter to the last of the consecutive taken numbers after it.
// It changes nothing if another call changes the counter at the same time. The next
// number shows whether that was enough.
func (s *Store) skipTaken(ctx context.Context) error {
	for {
		n := int64(0)
		err := s.db.Row(ctx, counted, func(row sqldb.Row) error { return row.Scan(&n) })
		if errors.Is(err, oauth.ErrNotFound) {
			_, err = s.db.Insert(ctx, startCount, "client_id", 0)
		}
		if err != nil {
			return err
		}
		passed, err := s.takenAfter(ctx, n)
		if err != nil || passed == 0 {
			return err
		}
		if _, err := s.db.Exec(ctx, countPast, n+passed, n); err != nil || passed < purgePage {
			return err
		}
	}
}

// takenAfter returns the number of consecutive taken numbers after n, up to a page.
func (s *Store) takenAfter(ctx context.Context, n int64) (passed int64, err error) {
	candidates, taken := make([]any, purgePage), map[string]bool{}
	for i := range candidates {
		candidates[i] = strconv.FormatInt(n+1+int64(i), 10)
	}
	err = s.db.Each(ctx, clientsAmong, func(row sqldb.Row) error {
		var id string
		err := row.Scan(&id)
		taken[id] = true
		return err
	}, candidates...)
	for passed < purgePage && taken[strconv.FormatInt(n+1+passed, 10)] {
		passed++
	}
	return passed, err
}
