package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// User is a row of Laravel's table users.
type User struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Users are the accounts in Laravel's table, and the sessions of this application.
type Users struct {
	db       *sql.DB
	sessions sync.Map // session by cookie; an application stores them in its database
}

type session struct {
	id   string
	user *User
	at   time.Time
}

// ByID returns the user with an ID. The server asks for every guarded request, so a user
// who is deleted from the table has no tokens any more.
func (u *Users) ByID(ctx context.Context, id string) (*passport.User, error) {
	var user User
	err := u.db.QueryRowContext(ctx, "SELECT id, name, email FROM users WHERE id = ?", id).Scan(&user.ID, &user.Name, &user.Email)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, oauth.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find user: %w", err)
	}
	return user.forPassport(), nil
}

func (u *User) forPassport() *passport.User {
	return &passport.User{ID: strconv.FormatInt(u.ID, 10), Name: u.Name, Email: u.Email, Data: u}
}

// cookie is the name of the session cookie.
const cookie = "session"

// Current returns the user who is signed in.
func (u *Users) Current(r *http.Request) (*passport.User, error) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return nil, oauth.ErrNotFound
	}
	found, ok := u.sessions.Load(c.Value)
	if !ok {
		return nil, oauth.ErrNotFound
	}
	s := found.(*session)
	user := s.user.forPassport()
	user.SessionID, user.AuthenticatedAt = s.id, s.at
	return user, nil
}

var signInPage = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title><form method="post">
<input name="email" type="email" autocomplete="username" required> <input name="password" type="password" autocomplete="current-password" required>
<input name="return_to" type="hidden" value="{{.}}"><button>Sign in</button></form>`))

// ShowSignIn shows the sign-in form.
func (u *Users) ShowSignIn(w http.ResponseWriter, r *http.Request) {
	_ = signInPage.Execute(w, r.URL.Query().Get("return_to"))
}

// noAccount is a hash that an unknown address is checked against, so that it takes as long.
const noAccount = "$2a$12$......................................................"

// SignIn checks the password against Laravel's hash.
func (u *Users) SignIn(w http.ResponseWriter, r *http.Request) {
	var user User
	var hash string
	err := u.db.QueryRowContext(r.Context(), "SELECT id, name, email, password FROM users WHERE email = ?", r.PostFormValue("email")).Scan(&user.ID, &user.Name, &user.Email, &hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		http.Error(w, "Try again later.", http.StatusServiceUnavailable)
		return
	}
	if bcrypt.CompareHashAndPassword([]byte(cmp.Or(hash, noAccount)), []byte(r.PostFormValue("password"))) != nil {
		http.Error(w, "The email address and the password don't match.", http.StatusUnauthorized)
		return
	}
	value := rand.Text()
	u.sessions.Store(value, &session{rand.Text(), &user, time.Now()})
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	to := r.PostFormValue("return_to")
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		to = "/" // not an open redirect
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
