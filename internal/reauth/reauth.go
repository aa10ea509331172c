// Package reauth sends signed-in users to authenticate again before a sensitive action,
// and brings back what they had typed.
package reauth

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// Within is how long an authentication counts as recent.
const Within = 10 * time.Minute

// TTL is how long a form waits for its user.
const TTL = 30 * time.Minute

// MaxForm is the maximum size of a form that is kept, in bytes. The sealed form is in the
// address to which the sign-in page leads back, and proxies limit the length of that.
const MaxForm = 2 << 10

// param is the only parameter of that address.
const param = "passport_recent"

const purpose = "recent authentication"

// Desk asks users to authenticate again.
type Desk struct {
	Keys  *keyring.Live
	Users *users.Directory
}

// Visit is the return of a browser from the sign-in page.
type Visit struct {
	// Form is what the user had typed; nil if it was too large, or if the user is another.
	Form url.Values

	// Other means that another user has signed in.
	Other bool

	// Unmoved means that the sign-in page has led back without a new authentication.
	Unmoved bool
}

// Format implements [fmt.Formatter]. It does not print what the user had typed.
func (v Visit) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "reauth.Visit(other %t, unmoved %t)", v.Other, v.Unmoved)
}

// LogValue implements [slog.LogValuer], like Format.
func (v Visit) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(v)) }

// pending is the page to which a browser returns. It is sealed, because the next user of
// the browser must not read it.
type pending struct {
	Provider string `json:"provider"`
	User     string `json:"user"`
	Path     string `json:"path"`
	Form     string `json:"form,omitempty"` // form-encoded
	Before   int64  `json:"before"`         // the last authentication, in Unix microseconds
	Expires  int64  `json:"expires"`        // in Unix seconds
}

// Recent reports whether a user has authenticated recently. A clock that runs ahead of
// ours does no harm; a time that is far ahead is not a time of authentication.
func Recent(u *oauth.User) bool {
	return !u.AuthenticatedAt.IsZero() && time.Since(u.AuthenticatedAt).Abs() <= Within
}

// URL returns the URL of the sign-in page for a signed-in user. The page leads back to
// path, where Returned returns the form.
func (d *Desk) URL(r *http.Request, who users.Account, path string, form url.Values) (string, error) {
	encoded := form.Encode()
	if len(encoded) > MaxForm {
		encoded = ""
	}
	plain, err := json.Marshal(pending{who.Ref.Provider, who.Ref.ID, path, encoded, stamp(who.User), time.Now().Add(TTL).Unix()})
	if err != nil {
		return "", fmt.Errorf("encode form: %w", err)
	}
	returnTo := path + "?" + param + "=" + d.Keys.Roots().Seal(purpose, plain)
	ctx := oauth.WithSignInRequest(r.Context(), oauth.SignInRequest{Again: true, Recent: true})
	return d.Users.SignInURL(r.WithContext(ctx), who.Ref.Provider, returnTo)
}

// Returned returns what the browser brings back from the sign-in page to the path of r;
// nil if it does not come from there, or comes too late.
func (d *Desk) Returned(r *http.Request, who users.Account) *Visit {
	p := d.open(r.URL.Query().Get(param))
	if p == nil || p.Path != r.URL.Path {
		return nil
	}
	if who.Ref != (oauth.UserRef{Provider: p.Provider, ID: p.User}) {
		return &Visit{Other: true}
	}
	v := &Visit{Unmoved: stamp(who.User) == p.Before}
	if form, err := url.ParseQuery(p.Form); err == nil && len(form) > 0 {
		v.Form = form
	}
	return v
}

func stamp(u *oauth.User) int64 { return u.AuthenticatedAt.UnixMicro() }

// open returns nil for a value that was not sealed here or has expired.
func (d *Desk) open(sealed string) *pending {
	plain, _, err := d.Keys.Roots().Open(purpose, sealed)
	if err != nil {
		return nil
	}
	p := new(pending)
	if json.Unmarshal(plain, p) != nil || time.Now().Unix() >= p.Expires {
		return nil
	}
	return p
}

// Reasons returns why a browser was sent to sign in, from its return address, or
// [oauth.ErrNotFound].
type Reasons func(ctx context.Context, returnTo string) (*oauth.SignInRequest, error)

// Reasons returns a function for the return addresses of [Desk.URL]. It asks further
// about all other addresses, unless further is nil.
func (d *Desk) Reasons(further Reasons) Reasons {
	return func(ctx context.Context, returnTo string) (*oauth.SignInRequest, error) {
		path, sealed, ok := strings.Cut(returnTo, "?"+param+"=")
		if p := d.open(sealed); ok && p != nil && p.Path == path {
			return &oauth.SignInRequest{Again: true, Recent: true}, nil
		}
		if further == nil {
			return nil, oauth.ErrNotFound
		}
		return further(ctx, returnTo)
	}
}
