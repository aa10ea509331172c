package testkit

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
)

// SessionCookie is the session cookie of [Accounts].
const SessionCookie = "app_session"

// Accounts is a UserProvider. A session is a cookie with a session ID.
type Accounts struct {
	mu       sync.Mutex
	ByID     map[string]*passport.User
	Sessions map[string]*passport.User
	Current  func(*passport.User) (*passport.User, error) // changes the result of CurrentUser, if set
	Failure  error                                        // error of CurrentUser and UserByID, if set
	NoSignIn bool                                         // if set, there is no sign-in page
	Checked  int                                          // number of password checks
	During   func()                                       // runs during a password check, if set
}

// Record is the application's record of an account, in User.Data.
type Record struct{ ID string }

var _ passport.UserProvider = (*Accounts)(nil)

// NewAccounts returns accounts with these IDs.
func NewAccounts(ids ...string) *Accounts {
	a := &Accounts{ByID: map[string]*passport.User{}, Sessions: map[string]*passport.User{}}
	for _, id := range ids {
		a.ByID[id] = &passport.User{ID: id, Name: "Name of " + id, Email: id + "@example.com", Data: &Record{id}}
	}
	return a
}

// Ref returns the reference of an account of the default provider.
func Ref(id string) oauth.UserRef { return oauth.UserRef{Provider: passport.DefaultProvider, ID: id} }

// With runs change while no request reads the accounts.
func (a *Accounts) With(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// Remove deletes an account.
func (a *Accounts) Remove(id string) { a.With(func() { delete(a.ByID, id) }) }

// CurrentUser implements [passport.UserProvider].
func (a *Accounts) CurrentUser(r *http.Request) (*passport.User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Failure != nil {
		return nil, a.Failure
	}
	cookie, err := r.Cookie(SessionCookie)
	if err != nil || a.Sessions[cookie.Value] == nil || a.ByID[a.Sessions[cookie.Value].ID] == nil {
		return nil, oauth.ErrNotFound
	}
	user := *a.Sessions[cookie.Value]
	if a.Current != nil {
		return a.Current(&user)
	}
	return &user, nil
}

// UserByID implements [passport.UserProvider].
func (a *Accounts) UserByID(_ context.Context, id string) (*passport.User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Failure != nil {
		return nil, a.Failure
	}
	if u, ok := a.ByID[id]; ok {
		user := *u
		return &user, nil
	}
	return nil, oauth.ErrNotFound
}

// SignInURL implements [passport.UserProvider].
func (a *Accounts) SignInURL(_ *http.Request, returnTo string) string {
	if a.NoSignIn {
		return ""
	}
	return "/login?" + url.Values{"return_to": {returnTo}}.Encode()
}

// SignOut implements [oauth.SignOuter].
func (a *Accounts) SignOut(w http.ResponseWriter, r *http.Request) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Failure != nil {
		return a.Failure
	}
	if cookie, err := r.Cookie(SessionCookie); err == nil {
		delete(a.Sessions, cookie.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: SessionCookie, Path: "/", MaxAge: -1})
	return nil
}

// PasswordOf returns the password of a test account.
func PasswordOf(id string) string { return "the-password-of-" + id }

// UserByPassword implements [oauth.PasswordAuthenticator]. The user names are
// the account IDs, in any case.
func (a *Accounts) UserByPassword(ctx context.Context, username, password string) (*passport.User, error) {
	a.mu.Lock()
	a.Checked++
	during, id := a.During, strings.ToLower(username)
	a.mu.Unlock()
	user, err := a.UserByID(ctx, id)
	if err == nil && password != PasswordOf(id) {
		user, err = nil, oauth.ErrNotFound
	}
	if during != nil {
		during()
	}
	return user, err
}

// clerks are the accounts of another provider. The value of their session cookie
// staff_session is the account's ID.
type clerks struct{ *Accounts }

// NewClerks returns clerks with these IDs.
func NewClerks(ids ...string) *clerks { return &clerks{NewAccounts(ids...)} }

// CurrentUser implements [passport.UserProvider].
func (c *clerks) CurrentUser(r *http.Request) (*passport.User, error) {
	cookie, err := r.Cookie("staff_session")
	if err != nil {
		return nil, oauth.ErrNotFound
	}
	return c.UserByID(r.Context(), cookie.Value)
}

// SignOut implements [oauth.SignOuter].
func (c *clerks) SignOut(w http.ResponseWriter, _ *http.Request) error {
	http.SetCookie(w, &http.Cookie{Name: "staff_session", Path: "/", MaxAge: -1})
	return nil
}

// WithClerks adds the provider staff, which has its own session cookie.
func WithClerks(staff *clerks) func(*passport.Config) {
	return func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"staff": staff} }
}

// StaffOnly admits users of the provider staff.
var StaffOnly = guard.Provider("staff")

// Numbers configures integer client IDs and numeric user IDs.
func Numbers(c *passport.Config) { c.ClientIDs, c.NumericUserIDs = passport.Integers, true }

// WithAccounts adds accounts.
func (s *Server) WithAccounts(ids ...string) *Server {
	for _, id := range ids {
		s.Users.ByID[id] = &passport.User{ID: id, Name: "Name of " + id, Email: id + "@example.com", Data: &Record{id}}
	}
	return s
}

// WithStaff adds a second provider. It returns the server, and the same server
// for browsers that sign in to the second provider.
func WithStaff(t *testing.T, ids ...string) (s, staff *Server) {
	clerks := NewAccounts(ids...)
	s = NewServer(t, func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"staff": clerks} })
	s.WithAccounts(ids...)
	seen := *s
	seen.Users = clerks
	return s, &seen
}
