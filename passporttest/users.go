package passporttest

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"sync"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// User returns the account with an ID: the result of UserByID of Config.Users, or
// the server's own account if the configuration has no Users. It creates a
// missing own account.
func (s *Server) User(id string) *passport.User {
	s.t.Helper()
	if s.accounts != nil {
		return s.accounts.ensure(id)
	}
	return s.UserOf(passport.DefaultProvider, id)
}

// UserOf returns the account with an ID of a provider in the configuration. A
// missing account ends the test.
func (s *Server) UserOf(provider, id string) *passport.User {
	s.t.Helper()
	users := s.users[provider]
	if users == nil {
		s.t.Fatalf("passporttest: the user provider %q is not one of Config", provider)
	}
	user, err := users.UserByID(s.context(), id)
	if err != nil {
		s.t.Fatalf("passporttest: UserByID(%q) of the provider %q: %v", id, provider, err)
	}
	return user
}

// AddUser adds an account to the server's own, or replaces the one with its ID.
// Use it for a configuration without Users, if a user needs a name or an
// application's record; see [Server.User].
func (s *Server) AddUser(user *passport.User) *passport.User {
	s.t.Helper()
	s.own("AddUser").set(user.ID, user)
	return user
}

// RemoveUser removes one of the server's own accounts. From then on guards refuse
// its tokens.
func (s *Server) RemoveUser(id string) {
	s.t.Helper()
	s.own("RemoveUser").set(id, nil)
}

func (s *Server) own(verb string) *accounts {
	s.t.Helper()
	if s.accounts == nil {
		s.t.Fatalf("passporttest: %s is for a server with its own accounts; this server uses Config.Users", verb)
	}
	return s.accounts
}

// Password is the password of all of the server's own accounts. Their user names
// are their IDs.
const Password = "correct horse battery staple"

// accounts are the own accounts of a server whose configuration has no Users.
type accounts struct {
	mu   sync.Mutex
	byID map[string]*passport.User
}

func (a *accounts) set(id string, user *passport.User) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byID == nil {
		a.byID = map[string]*passport.User{}
	}
	if a.byID[id] = user; user == nil {
		delete(a.byID, id)
	}
}

func (a *accounts) ensure(id string) *passport.User {
	if user, err := a.UserByID(context.Background(), id); err == nil {
		return user
	}
	user := &passport.User{ID: id, Name: "User " + id}
	a.set(id, user)
	return user
}

// CurrentUser implements [passport.UserProvider]. Only [Server.SignedIn] signs a
// user in.
func (a *accounts) CurrentUser(*http.Request) (*passport.User, error) { return nil, oauth.ErrNotFound }

// UserByID implements [passport.UserProvider].
func (a *accounts) UserByID(_ context.Context, id string) (*passport.User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	user, ok := a.byID[id]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	found := *user
	return &found, nil
}

// SignInURL implements [passport.UserProvider].
func (a *accounts) SignInURL(_ *http.Request, returnTo string) string {
	return "/login?" + url.Values{"return_to": {returnTo}}.Encode()
}

// UserByPassword implements [oauth.PasswordAuthenticator].
func (a *accounts) UserByPassword(ctx context.Context, username, password string) (*passport.User, error) {
	user, err := a.UserByID(ctx, username)
	if err != nil || password != Password {
		return nil, oauth.ErrNotFound
	}
	return user, nil
}

// signedInKey is the context key for the signed-in user of a test's request.
type signedInKey struct{}

type signedIn struct {
	provider string
	user     *passport.User
}

// provider wraps a provider of the configuration. A test can sign in a user of
// the provider with this name.
type provider struct {
	passport.UserProvider
	name string
}

// withSignIn wraps users in a provider with the same optional interfaces.
func withSignIn(name string, users passport.UserProvider) passport.UserProvider {
	if v := reflect.ValueOf(users); users == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return users // passport.New reports the fault
	}
	p := provider{users, name}
	switch f := users.(type) {
	case *passport.UserFuncs:
		return withSignIn(name, *f)
	case passport.UserFuncs: // the server reads its fields
		if f.Current != nil {
			f.Current = p.CurrentUser
		}
		return f
	}
	passwords, hasPasswords := users.(oauth.PasswordAuthenticator)
	signOut, canSignOut := users.(oauth.SignOuter)
	switch {
	case hasPasswords && canSignOut:
		return struct {
			provider
			oauth.PasswordAuthenticator
			oauth.SignOuter
		}{p, passwords, signOut}
	case hasPasswords:
		return struct {
			provider
			oauth.PasswordAuthenticator
		}{p, passwords}
	case canSignOut:
		return struct {
			provider
			oauth.SignOuter
		}{p, signOut}
	}
	return p
}

// CurrentUser implements [passport.UserProvider].
func (p provider) CurrentUser(r *http.Request) (*passport.User, error) {
	in, ok := r.Context().Value(signedInKey{}).(signedIn)
	if !ok || in.provider != p.name {
		return p.UserProvider.CurrentUser(r)
	}
	user := *in.user
	if user.AuthenticatedAt.IsZero() {
		user.AuthenticatedAt = now()
	}
	return &user, nil
}

// Validate lets [passport.New] check the wrapped provider.
func (p provider) Validate() error {
	v, ok := p.UserProvider.(interface{ Validate() error })
	if !ok {
		return nil
	}
	return v.Validate()
}
