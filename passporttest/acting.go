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

// ActingAs returns r as a guard sees it after it has admitted a user of the
// default provider whose token has these scopes. The guard's rules are applied
// all the same: without the scope that a route demands the answer is 403.
//
// The handler finds user.Data by [passport.UserFromContext], so it is what the
// application's UserByID puts there, and the token by guard.TokenFrom. No store
// is asked for either, and the token never expires. It panics outside of tests.
func ActingAs(r *http.Request, user *passport.User, scopes ...string) *http.Request {
	insideTest("ActingAs")
	return actingAs(r, passport.DefaultProvider, user, scopes)
}

// ActingAsUserOf is [ActingAs] for a user of another provider.
func ActingAsUserOf(r *http.Request, provider string, user *passport.User, scopes ...string) *http.Request {
	insideTest("ActingAsUserOf")
	return actingAs(r, provider, user, scopes)
}

func actingAs(r *http.Request, provider string, user *passport.User, scopes []string) *http.Request {
	if user == nil || user.ID == "" || provider == "" {
		panic("passporttest: acting as a user takes one with an ID, and the name of a provider")
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

// ActingAsClient returns r as a guard sees it after it has admitted a client that
// acts for itself, whose token has these scopes. A guard for users refuses it.
// It panics outside of tests.
func ActingAsClient(r *http.Request, client *oauth.Client, scopes ...string) *http.Request {
	insideTest("ActingAsClient")
	if client == nil || client.ID == "" {
		panic("passporttest: acting as a client takes one with an ID")
	}
	return admitted(r, &oauth.AccessToken{Client: client, Scopes: scopes}, nil)
}

// life is that of a token that stands in for one: no guard looks at it, but a
// handler may.
const life = time.Hour

func admitted(r *http.Request, token *oauth.AccessToken, user *passport.User) *http.Request {
	token.ID, token.Scopes = rand.Text(), slices.Clone(token.Scopes)
	token.IssuedAt = now()
	token.ExpiresAt = token.IssuedAt.Add(life)
	return r.WithContext(ctxtoken.With(r.Context(), ctxtoken.Admitted{Token: token, User: user}))
}

// now is the time as it is stored.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
