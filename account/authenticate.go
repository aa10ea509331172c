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

// errRefused means that the address and the password do not match an enabled account.
// Only the log says which check failed.
var errRefused = errors.New("the email address and the password do not match")

// credentials are the database's record of the user who signs in.
type credentials struct {
	user    *User
	hash    string
	version int64
}

// proof is the result of a right password.
type proof struct {
	credentials
	try     try
	newHash string // replaces an outdated hash; empty if the hash is up to date
}

// authenticate counts a try and checks the password. If the password is right, it calls
// then, whose transaction must undo the count with [proof.settle]. authenticate returns
// errRefused, a *throttledError, or an internal error.
//
// Every page that asks for a password and the password grant use it. An attacker could
// go around a counter that only one of them had (authelia CVE-2025-24806). The function
// then runs while a slot of the hasher is held, so it may hash a password.
func (a *Accounts) authenticate(ctx context.Context, email, password string, then func(*proof) error) error {
	// Hold a slot from the count to the end. The number of counted tries without a
	// result is then at most the number of slots.
	release, err := a.hasher.enter(ctx)
	if err != nil {
		return err
	}
	defer release()
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

// credentials returns the credentials of an address, or empty ones if there is no such
// account. Both cases do the same work, so timing does not reveal which addresses have
// an account.
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

// refusal returns an error for the check that failed, or nil.
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

// settle writes the consequences of a right password, as part of a transaction.
func (p *proof) settle(ctx context.Context, tx *sqldb.Tx) error {
	if err := p.try.succeeded(ctx, tx); err != nil {
		return err
	}
	if p.newHash == "" {
		return nil
	}
	// The statement compares the old hash, so it does not undo a password that changes
	// at the same time.
	_, err := tx.Exec(ctx, replaceHash, p.newHash, p.user.ID, p.hash)
	return err
}

// logRefusal logs which check failed. It never logs what the user typed, because people
// sometimes type their password into the address field.
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
