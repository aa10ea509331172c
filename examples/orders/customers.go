package main

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Customer is an account of the shop.
type Customer struct {
	ID    int64
	Email string
	Name  string
}

// User returns a customer as a Passport user.
func (c *Customer) User() *passport.User {
	return &passport.User{ID: strconv.FormatInt(c.ID, 10), Name: c.Name, Data: c}
}

// userByID returns an account that exists and is not disabled. The server calls it
// for every guarded request.
func (s *Shop) userByID(ctx context.Context, id string) (*passport.User, error) {
	var c Customer
	err := s.db.QueryRowContext(ctx, "SELECT id, email, name FROM customers WHERE id = ?", id).Scan(&c.ID, &c.Email, &c.Name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, oauth.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find customer: %w", err)
	}
	return c.User(), nil
}

const sessionCookie = "shop_session"

// currentUser returns the signed-in user of the browser that sent r.
func (s *Shop) currentUser(r *http.Request) (*passport.User, error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil, oauth.ErrNotFound
	}
	var c Customer
	var session string
	var signedInAt int64
	err = s.db.QueryRowContext(r.Context(), `SELECT c.id, c.email, c.name, s.id, s.signed_in_at
		FROM sessions s JOIN customers c ON c.id = s.customer_id WHERE s.cookie = ?`, digest(cookie.Value)).
		Scan(&c.ID, &c.Email, &c.Name, &session, &signedInAt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, oauth.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find session: %w", err)
	}
	user := c.User()
	user.AuthenticatedAt, user.SessionID = time.UnixMicro(signedInAt), session
	return user, nil
}

// AddCustomer creates an account. For an address with an account it returns
// oauth.ErrConflict.
func (s *Shop) AddCustomer(ctx context.Context, email, name, password string) (*Customer, error) {
	salt := make([]byte, 16)
	rand.Read(salt)
	hash, err := hashed(password, salt)
	if err != nil {
		return nil, err
	}
	result, err := s.db.ExecContext(ctx, `INSERT INTO customers (email, name, salt, password) VALUES (?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, email, name, salt, hash)
	if err != nil {
		return nil, fmt.Errorf("add customer: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return nil, errors.Join(err, oauth.ErrConflict)
	}
	id, err := result.LastInsertId()
	return &Customer{ID: id, Email: email, Name: name}, err
}

// hashed returns a slow hash of a password (OWASP: PBKDF2 with SHA-256).
func hashed(password string, salt []byte) ([]byte, error) {
	return pbkdf2.Key(sha256.New, password, salt, 600_000, sha256.Size)
}

// customerByPassword returns the account, or oauth.ErrNotFound for an unknown
// address and for a wrong password.
func (s *Shop) customerByPassword(ctx context.Context, email, password string) (*Customer, error) {
	var c Customer
	var salt, stored []byte
	err := s.db.QueryRowContext(ctx, "SELECT id, email, name, salt, password FROM customers WHERE email = ?", email).
		Scan(&c.ID, &c.Email, &c.Name, &salt, &stored)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("find customer: %w", err)
	}
	given, err := hashed(password, salt) // also for an unknown address, so that the time is the same
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(given, stored) != 1 {
		return nil, oauth.ErrNotFound
	}
	return &c, nil
}

func (s *Shop) showSignIn(w http.ResponseWriter, r *http.Request) {
	render(w, signInPage, map[string]any{"ReturnTo": r.URL.Query().Get("return_to")})
}

// signIn handles the form of the sign-in page, and redirects the browser back to
// Passport.
func (s *Shop) signIn(w http.ResponseWriter, r *http.Request) {
	returnTo := r.PostFormValue("return_to")
	customer, err := s.customerByPassword(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
	if errors.Is(err, oauth.ErrNotFound) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		render(w, signInPage, map[string]any{"ReturnTo": returnTo, "Wrong": true})
		return
	}
	cookie := rand.Text()
	if err == nil {
		_, err = s.db.ExecContext(r.Context(), "INSERT INTO sessions (cookie, id, customer_id, signed_in_at) VALUES (?, ?, ?, ?)",
			digest(cookie), rand.Text(), customer.ID, time.Now().UnixMicro())
	}
	if err != nil {
		fail(w, r, "sign in", err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, local(returnTo), http.StatusSeeOther)
}

// signOut ends the session and the codes that apps have not redeemed.
func (s *Shop) signOut(w http.ResponseWriter, r *http.Request) {
	user, err := s.currentUser(r)
	if err == nil {
		_, err = s.db.ExecContext(r.Context(), "DELETE FROM sessions WHERE id = ?", user.SessionID)
	}
	if err == nil {
		err = s.auth.EndSession(r.Context(), ref(user), user.SessionID)
	}
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		fail(w, r, "sign out", err)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// ref identifies a customer among all users of Passport.
func ref(user *passport.User) passport.UserRef {
	return passport.UserRef{Provider: passport.DefaultProvider, ID: user.ID}
}

// digest returns the stored form of a cookie, so that a copy of the table is
// useless to an attacker.
func digest(cookie string) string { return string(oauth.DigestOf(cookie)) }

// local returns an address if it is a path on this host, against open redirects.
func local(returnTo string) string {
	if !strings.HasPrefix(returnTo, "/") || strings.HasPrefix(returnTo, "//") || strings.ContainsAny(returnTo, "\\\t\r\n") {
		return "/"
	}
	return returnTo
}

var signInPage = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>
<h1>Sign in to the shop</h1>{{if .Wrong}}<p>Address or password is wrong.</p>{{end}}
<form method="post" action="/login"><input type="hidden" name="return_to" value="{{.ReturnTo}}">
<label>E-mail <input name="email" type="email" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button></form></html>`))

// render writes a page that must not be cached or framed.
func render(w http.ResponseWriter, page *template.Template, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Frame-Options", "DENY")
	if err := page.Execute(w, data); err != nil {
		slog.Error("show page", "err", err)
	}
}

// fail logs a fault and responds with 500.
func fail(w http.ResponseWriter, r *http.Request, what string, err error) {
	slog.ErrorContext(r.Context(), "request failed", "while", what, "err", err)
	http.Error(w, "Please try again later.", http.StatusInternalServerError)
}
