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

// How often signing in may fail within [TriesWindow]. Whoever reaches a limit is
// refused until the window ends, with the right password too, or a guess would
// be confirmed after all. Tries that are refused do not prolong it.
//
// A stranger cannot lock an owner out for ever: an address from which an account
// was signed in to within [KnownFor] is not asked for the account's limit, only
// for that of the pair. An address of IPv6 counts by its first 64 bits, which is
// what one subscriber has at least.
const (
	// TriesPerPair is for one account from one address.
	TriesPerPair = 10

	// TriesPerAccount is for one account from all addresses together, those
	// apart that are known.
	TriesPerAccount = 100

	// TriesPerAddress is for all accounts together from one address. It does not
	// hold for the password grant of a confidential client, whose server sends
	// what all of its users type.
	TriesPerAddress = 50

	// TriesWindow begins with the first try that is counted.
	TriesWindow = 15 * time.Minute

	// KnownFor is how long an address is known after a success.
	KnownFor = 30 * 24 * time.Hour
)

const (
	// countTry counts within a window that has room, countFirst begins a new
	// one, insertTry makes the row. Each decides by itself; that there is room
	// is never read first and written after.
	countTry    = `UPDATE passport_sign_in_attempts SET tries = tries + 1 WHERE id = ? AND ends_at > ? AND tries < ?`
	countFirst  = `UPDATE passport_sign_in_attempts SET tries = 1, ends_at = ?, keep_until = CASE WHEN known_until > ? THEN known_until ELSE ? END WHERE id = ? AND ends_at <= ?`
	insertTry   = `INSERT INTO passport_sign_in_attempts (id, tries, ends_at, known_until, keep_until) VALUES (?, 1, ?, 0, ?)`
	selectEnd   = `SELECT ends_at FROM passport_sign_in_attempts WHERE id = ?`
	selectKnown = `SELECT known_until FROM passport_sign_in_attempts WHERE id = ?`

	// A success gives back what was counted for it, and forgets what the pair
	// failed before.
	giveBack  = `UPDATE passport_sign_in_attempts SET tries = tries - 1 WHERE id = ? AND tries > 0`
	knowsPair = `UPDATE passport_sign_in_attempts SET tries = 0, known_until = ?, keep_until = ? WHERE id = ?`
)

// try is one attempt to sign in, by the rows that count it; an empty one is not
// counted. Their IDs are digests, so that no length matters and nobody reads
// from the table who signs in where.
type try struct{ pair, account, address string }

// limit is how often a row may be counted within its window.
type limit struct {
	tries int
	of    string // for the log
}

var (
	perPair    = limit{TriesPerPair, "the account at this address"}
	perAccount = limit{TriesPerAccount, "the account"}
	perAddress = limit{TriesPerAddress, "the address"}
)

func newTry(emailKey string, from reqinfo.Info) try {
	address := subscriber(from.Address)
	t := try{
		pair:    string(oauth.DigestOf("pair\x00" + emailKey + "\x00" + address)),
		account: string(oauth.DigestOf("account\x00" + emailKey)),
	}
	// A call from within the application has no address; and where one server sends
	// what all of its users type, a few strangers would lock out everybody.
	if address != "" && !from.Shared {
		t.address = string(oauth.DigestOf("address\x00" + address))
	}
	return t
}

// subscriber is who an address belongs to, as far as it shows.
func subscriber(address string) string { return cmp.Or(throttle.Subscriber(address), address) }

// throttledError says that a try is refused unseen.
type throttledError struct {
	limit string // which was reached, for the log
	until time.Time
}

func (e *throttledError) Error() string { return "too many tries to sign in: the limit of " + e.limit }

// count counts a try before the password is looked at, and returns what it was
// counted as; or it refuses it with a *throttledError and counts nothing.
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
		return try{}, fmt.Errorf("count try: %w", err)
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
		// Another one may have made the row since the first step.
		func() (bool, error) { return one(tx.Exec(ctx, countTry, id, at, l.tries)) },
	}
	for _, step := range steps {
		if counted, err := step(); counted || err != nil {
			return err
		}
	}
	// Where a transaction sees the database as it was when it began, the row
	// may not show; then the longest wait is the right one to name.
	until := now.Add(TriesWindow)
	err := tx.Row(ctx, selectEnd, scanTime(&until), id)
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		return err
	}
	return &throttledError{limit: l.of, until: until}
}

func one(n int64, err error) (bool, error) { return n == 1, err }

// knownUntil returns until when a pair that was counted just now is known.
func knownUntil(ctx context.Context, tx *sqldb.Tx, pair string) (until time.Time, err error) {
	err = tx.Row(ctx, selectKnown, scanTime(&until), pair)
	return until, err
}

func scanTime(t *time.Time) func(sqldb.Row) error {
	return func(row sqldb.Row) error { return row.Scan(sqldb.Micros{T: t}) }
}

// succeeded takes back the count of a try whose password was right, in the order
// in which count takes the rows.
func (t try) succeeded(ctx context.Context, tx *sqldb.Tx) error {
	known := sqldb.At(time.Now().Add(KnownFor))
	if _, err := tx.Exec(ctx, knowsPair, known, known, t.pair); err != nil {
		return err
	}
	for _, id := range []string{t.account, t.address} {
		if id == "" {
			continue // it was not counted there
		}
		if _, err := tx.Exec(ctx, giveBack, id); err != nil {
			return err
		}
	}
	return nil
}
