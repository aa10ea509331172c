package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	selectCredentials = `SELECT ` + userColumns + `, email_key, password, session_version FROM passport_users WHERE email_key IN (?, ?, ?)`
	replaceHash       = `UPDATE passport_users SET password = ? WHERE id = ? AND password = ?`
)

// errRefused says that an address and a password are not those of an account
// that is open. Which check failed is for the log alone.
var errRefused = errors.New("that e-mail address and password do not match")

// credentials are what the database knows of somebody who signs in.
type credentials struct {
	user    *User
	hash    string
	version int64
}

// proof is the result of a right password.
type proof struct {
	credentials
	try     try
	newHash string // to replace one of another kind or cost; else empty
}

// authenticate counts a try, checks the password, and for the right one calls
// then, whose transaction takes the count back with [proof.settle]. It returns
// errRefused, a *throttledError, or a fault.
//
// The page and the password grant both come here: a counter that one of the two
// does not share is none (authelia CVE-2025-24806).
func (a *Accounts) authenticate(ctx context.Context, email, password string, then func(*proof) error) error {
	// One place is held from the count to its end, so that no more tries are
	// counted and still open than passwords are being hashed.
	leave, err := a.hasher.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	key := emailKey(email)
	try, err := a.count(ctx, newTry(key, reqinfo.From(ctx)))
	if err != nil {
		a.logRefusal(ctx, key, nil, err)
		return err
	}
	c, err := a.credentials(ctx, email)
	if err != nil {
		return err
	}
	w, err := a.work(ctx)
	if err != nil {
		return err
	}
	ok, outdated, err := a.hasher.verify(c.hash, password, w)
	if reason := refusal(c, ok, err); reason != nil {
		a.logRefusal(ctx, key, c.user, reason)
		return errRefused
	}
	p := &proof{credentials: c, try: try}
	if outdated {
		p.newHash = a.hasher.hash(password)
	}
	return then(p)
}

// credentials returns those of an address, or empty ones: an account that does
// not exist is treated like one whose password is wrong, to the end.
func (a *Accounts) credentials(ctx context.Context, email string) (c credentials, err error) {
	if !isEmail(email) {
		return c, nil
	}
	keys := emailKeys(email)
	best := len(keys)
	err = a.db.Each(ctx, selectCredentials, func(row sqldb.Row) error {
		var found credentials
		var key string
		found.user, err = scanUser(row, &key, &found.hash, &found.version)
		if place := slices.Index(keys[:], key); err == nil && place < best {
			c, best = found, place
		}
		return err
	}, keys[0], keys[1], keys[2])
	if err != nil {
		return credentials{}, fmt.Errorf("find account: %w", err)
	}
	return c, nil
}

// refusal is the check that failed, nil when none did.
func refusal(c credentials, ok bool, verifyErr error) error {
	switch {
	case c.user == nil:
		return errors.New("there is no account with this address")
	case verifyErr != nil:
		return verifyErr
	case !ok:
		return errors.New("the password is wrong")
	case !c.user.DisabledAt.IsZero():
		return errors.New("the account is disabled")
	}
	return nil
}

// settle is the part of a transaction that follows from a right password.
func (p *proof) settle(ctx context.Context, tx *sqldb.Tx) error {
	if err := p.try.succeeded(ctx, tx); err != nil {
		return err
	}
	if p.newHash == "" {
		return nil
	}
	// Only in place of what was verified: a password that is being changed at
	// this moment is not undone.
	_, err := tx.Exec(ctx, replaceHash, p.newHash, p.user.ID, p.hash)
	return err
}

// logRefusal says which check failed. It never holds what was typed: into the
// field for the address people type their password too.
func (a *Accounts) logRefusal(ctx context.Context, key string, u *User, reason error) {
	info := reqinfo.From(ctx)
	attrs := []any{"request_id", info.ID, "address", info.Address, "email_digest", fingerprint(key), "err", reason}
	if u != nil {
		attrs = append(attrs, "user", a.ref(u.ID))
	}
	level := slog.LevelInfo
	if errors.Is(reason, errHash) {
		level = slog.LevelError
	}
	if _, throttled := errors.AsType[*throttledError](reason); throttled || !errors.Is(reason, oauth.ErrUnavailable) {
		a.log.Log(ctx, level, "sign-in refused", attrs...)
	}
}
