package passporttest

import (
	"crypto/rand"
	"net/http"
	"slices"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/ctxtoken"
	"github.com/go-passport/passport/oauth"
)

// ActingAs returns r as if a guard had admitted a user of the default provider
// with a token with these scopes. The rules of guards still apply: without the
// scope that a route requires, the response is 403.
//
// In the handler, [passport.UserFromContext] returns user.Data, so set it as the
// application's UserByID does, and guard.TokenFrom returns the token. No store is
// queried, and the token never expires. ActingAs panics outside of tests.
func ActingAs(r *http.Request, user *passport.User, scopes ...string) *http.Request {
	insideTest("ActingAs")
	return actingAs(r, passport.DefaultProvider, user, scopes)
}

// ActingAsUserOf is like [ActingAs] for a user of another provider.
func ActingAsUserOf(r *http.Request, provider string, user *passport.User, scopes ...string) *http.Request {
	insideTest("ActingAsUserOf")
	return actingAs(r, provider, user, scopes)
}

func actingAs(r *http.Request, provider string, user *passport.User, scopes []string) *http.Request {
	if user == nil || user.ID == "" || provider == "" {
		panic("passporttest: acting as a user needs a user with an ID and the name of a provider")
	}
	client := &oauth.Client{ID: "passporttest", Name: "A test", AuthMethod: oauth.AuthNone}
	at := now()
	authenticated := user.AuthenticatedAt
	if authenticated.IsZero() {
		authenticated = at
	}
	family := &oauth.Family{
		ID: rand.Text(), User: passport.UserRef{Provider: provider, ID: user.ID}, ClientID: client.ID,
		AuthTime: authenticated, CreatedAt: at, ExpiresAt: at.Add(life),
	}
	if user.SessionID != "" {
		family.Session = oauth.DigestOf(user.SessionID)
	}
	return admitted(r, &oauth.AccessToken{Client: client, Family: family, Scopes: scopes}, user)
}

// ActingAsClient returns r as if a guard had admitted a client that acts for
// itself, with a token with these scopes. A guard for users refuses it.
// ActingAsClient panics outside of tests.
func ActingAsClient(r *http.Request, client *oauth.Client, scopes ...string) *http.Request {
	insideTest("ActingAsClient")
	if client == nil || client.ID == "" {
		panic("passporttest: acting as a client needs a client with an ID")
	}
	return admitted(r, &oauth.AccessToken{Client: client, Scopes: scopes}, nil)
}

// life is the lifetime of the token for a handler. Guards don't check it.
const life = time.Hour

func admitted(r *http.Request, token *oauth.AccessToken, user *passport.User) *http.Request {
	token.ID, token.Scopes = rand.Text(), slices.Clone(token.Scopes)
	token.IssuedAt = now()
	token.ExpiresAt = token.IssuedAt.Add(life)
	return r.WithContext(ctxtoken.With(r.Context(), ctxtoken.Admitted{Token: token, User: user}))
}

// now returns the time in the form that stores keep.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
