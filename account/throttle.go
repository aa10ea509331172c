package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/oauth"
)

// The number of failed sign-ins within [TriesWindow]. Once a limit is reached, sign-in
// is refused until the window ends. That includes the right password: otherwise a guess
// could still be confirmed. Refused tries do not extend the window.
//
// An attacker cannot lock a user out forever. If the user signed in from an address
// within [KnownFor], only the limit of the pair applies there, not that of the account.
// An IPv6 address counts by its first 64 bits, because a subscriber has at least a /64.
const (
	// TriesPerPair is the limit for one account from one address.
	TriesPerPair = 10

	// TriesPerAccount is the limit for one account from all addresses that are not
	// known.
	TriesPerAccount = 100

	// TriesPerAddress is the limit for all accounts from one address. It does not apply
	// to the password grant of a confidential client, whose server sends the passwords
	// of all its users.
	TriesPerAddress = 50

	// TriesWindow is the length of a window. It begins with the first counted try.
	TriesWindow = 15 * time.Minute

	// KnownFor is how long an address stays known after a successful sign-in.
	KnownFor = 30 * 24 * time.Hour
)

const (
	// countTry counts within an open window, countFirst begins a new window, and
	// insertTry creates the row. Each statement checks the limit and counts atomically.
	countTry    = `UPDATE passport_sign_in_attempts SET tries = tries + 1 WHERE id = ? AND ends_at > ? AND tries < ?`
	countFirst  = `UPDATE passport_sign_in_attempts SET tries = 1, ends_at = ?, keep_until = CASE WHEN known_until > ? THEN known_until ELSE ? END WHERE id = ? AND ends_at <= ?`
	insertTry   = `INSERT INTO passport_sign_in_attempts (id, tries, ends_at, known_until, keep_until) VALUES (?, 1, ?, 0, ?)`
	selectEnd   = `SELECT ends_at FROM passport_sign_in_attempts WHERE id = ?`
	selectKnown = `SELECT known_until FROM passport_sign_in_attempts WHERE id = ?`

	// A success undoes its own count and clears the failures of the pair.
	giveBack  = `UPDATE passport_sign_in_attempts SET tries = tries - 1 WHERE id = ? AND tries > 0`
	knowsPair = `UPDATE passport_sign_in_attempts SET tries = 0, known_until = ?, keep_until = ? WHERE id = ?`
)

// try is a sign-in attempt, as the IDs of the rows that count it. An empty ID is not
// counted. The IDs are digests: they have a fixed length, and the table does not reveal
// who signs in from which address.
type try struct{ pair, account, address string }

// limit is the maximum count of a row within its window.
type limit struct {
	tries int
	of    string // for the log
}

var (
	perPair    = limit{TriesPerPair, "the account from this address"}
	perAccount = limit{TriesPerAccount, "the account"}
	perAddress = limit{TriesPerAddress, "the address"}
)

func newTry(emailKey string, from reqinfo.Info) try {
	address := subscriber(from.Address)
	t := try{
		pair:    string(oauth.DigestOf("pair\x00" + emailKey + "\x00" + address)),
		account: string(oauth.DigestOf("account\x00" + emailKey)),
	}
	// A call from inside the application has no address. If one server sends the
	// passwords of all its users, a few attackers could lock out all of them.
	if address != "" && !from.Shared {
		t.address = string(oauth.DigestOf("address\x00" + address))
	}
	return t
}

// subscriber returns the network of a subscriber, if the address shows it.
func subscriber(address string) string { return cmp.Or(throttle.Subscriber(address), address) }

// throttledError means that a try was refused without a check of the password.
type throttledError struct {
	limit string // the limit that was reached, for the log
	until time.Time
}

func (e *throttledError) Error() string {
	return "too many sign-in attempts: reached the limit for " + e.limit
}

// count counts a try before the password is checked, and returns which rows counted it.
// If a limit is reached, it returns a *throttledError and counts nothing.
func (a *Accounts) count(ctx context.Context, t try) (counted try, err error) {
	err = a.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		now := time.Now()
		counted = t
		if err := countOne(ctx, tx, t.pair, perPair, now); err != nil {
			return err
		}
		knownUntil, err := knownUntil(ctx, tx, t.pair)
		switch {
		case err != nil:
			return err
		case knownUntil.After(now):
			counted.account = ""
		default:
			if err := countOne(ctx, tx, t.account, perAccount, now); err != nil {
				return err
			}
		}
		if t.address == "" {
			return nil
		}
		return countOne(ctx, tx, t.address, perAddress, now)
	})
	if err != nil {
		return try{}, fmt.Errorf("count sign-in attempt: %w", err)
	}
	return counted, nil
}

// countOne counts a try in one row.
func countOne(ctx context.Context, tx *sqldb.Tx, id string, l limit, now time.Time) error {
	at, ends := sqldb.At(now), sqldb.At(now.Add(TriesWindow))
	steps := []func() (bool, error){
		func() (bool, error) { return one(tx.Exec(ctx, countTry, id, at, l.tries)) },
		func() (bool, error) { return one(tx.Exec(ctx, countFirst, ends, ends, ends, id, at)) },
		func() (bool, error) { return tx.Insert(ctx, insertTry, id, ends, ends) },
		// Another request may have created the row since the first step.
		func() (bool, error) { return one(tx.Exec(ctx, countTry, id, at, l.tries)) },
	}
	for _, step := range steps {
		if counted, err := step(); counted || err != nil {
			return err
		}
	}
	// With snapshot isolation the transaction may not see the row. The longest wait is
	// then the right one.
	until := now.Add(TriesWindow)
	err := tx.Row(ctx, selectEnd, scanTime(&until), id)
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		return err
	}
	return &throttledError{limit: l.of, until: until}
}

func one(n int64, err error) (bool, error) { return n == 1, err }

// knownUntil returns until when the address of a pair is known. The pair has just been
// counted.
func knownUntil(ctx context.Context, tx *sqldb.Tx, pair string) (until time.Time, err error) {
	err = tx.Row(ctx, selectKnown, scanTime(&until), pair)
	return until, err
}

func scanTime(t *time.Time) func(sqldb.Row) error {
	return func(row sqldb.Row) error { return row.Scan(sqldb.Micros{T: t}) }
}

// succeeded undoes the count of a try with the right password. It locks the rows in the
// same order as count.
func (t try) succeeded(ctx context.Context, tx *sqldb.Tx) error {
	known := sqldb.At(time.Now().Add(KnownFor))
	if _, err := tx.Exec(ctx, knowsPair, known, known, t.pair); err != nil {
		return err
	}
	for _, id := range []string{t.account, t.address} {
		if id == "" {
			continue // not counted
		}
		if _, err := tx.Exec(ctx, giveBack, id); err != nil {
			return err
		}
	}
	return nil
}
