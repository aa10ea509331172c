package demo

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/secret"
)

// AppConfig configures [NewApp].
type AppConfig struct {
	Issuer   string // of the server
	ClientID string
	Scopes   []string // that it requests
	Email    string   // of the account to sign in with, shown as a hint
	Password string
	Logger   *slog.Logger
}

// App is a third-party application that a user connects: Order Tracker.
type App struct {
	config   AppConfig
	client   *client
	sessions sessions
	forms    *sameorigin.Guard
}

// NewApp returns the application. Its redirect URI is [CallbackPath] below the issuer,
// because the tour has one address.
func NewApp(c AppConfig) *App {
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return &App{
		config:   c,
		client:   newClient(c.Issuer, c.ClientID, c.Issuer+CallbackPath, c.Scopes),
		sessions: sessions{cookie: cookie.Of(c.Issuer).Plain("order_tracker"), all: map[string]*session{}},
		forms:    sameorigin.New(c.Issuer),
	}
}

// CallbackPath is the path of the redirect URI.
const CallbackPath = "/demo/callback"

// Mount adds the application's routes to a mux.
func (a *App) Mount(mux interface {
	Handle(pattern string, handler http.Handler)
}) {
	mux.Handle("GET /demo", http.HandlerFunc(a.start))
	mux.Handle("GET /demo/connect", http.HandlerFunc(a.connect))
	mux.Handle("GET "+CallbackPath, http.HandlerFunc(a.callback))
	mux.Handle("GET /demo/connected", http.HandlerFunc(a.connected))
	mux.Handle("POST /demo/refresh", a.button((*App).refresh))
	mux.Handle("POST /demo/orders", a.button((*App).orders))
	mux.Handle("POST /demo/service", a.button((*App).service))
	mux.Handle("POST /demo/steal", a.button((*App).steal))
	mux.Handle("POST /demo/forget", a.button((*App).forget))
}

// start is the first page, which says what will happen.
func (a *App) start(w http.ResponseWriter, r *http.Request) {
	connected := false
	if s := a.sessions.of(r); s != nil {
		s.Lock()
		connected = s.tokens != nil
		s.Unlock()
	}
	a.render(w, http.StatusOK, "start", view{AppConfig: a.config, RedirectURI: a.client.redirectURI, Connected: connected})
}

// connect redirects the browser to the server.
func (a *App) connect(w http.ResponseWriter, r *http.Request) {
	p, err := a.client.begin(r.Context())
	if err != nil {
		a.unreachable(w, err)
		return
	}
	s := a.sessions.start(w, r)
	s.Lock()
	s.add(p)
	s.Unlock()
	page.Private(w)
	http.Redirect(w, r, p.URL, http.StatusSeeOther)
}

// callback receives the browser from the server, with a code or an error.
func (a *App) callback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s := a.sessions.of(r)
	if s == nil {
		a.problem(w, unexpectedResponse, nil)
		return
	}
	s.Lock()
	defer s.Unlock()
	p, asked := s.take(q.Get("state"))
	switch {
	case !asked && q.Get("code") != "" && q.Get("code") == s.code: // a second click on Allow
		page.Private(w)
		http.Redirect(w, r, "/demo/connected", http.StatusSeeOther)
	case !asked:
		a.problem(w, unexpectedResponse, nil)
	case q.Get("iss") != a.config.Issuer: // RFC 9207 §2.4
		a.problem(w, wrongIssuer, nil)
	case q.Get("error") == "access_denied":
		a.problem(w, denied, q)
	case q.Get("error") != "" || q.Get("code") == "":
		a.problem(w, refused, q)
	default:
		a.redeem(w, r, s, p)
	}
}

// redeem exchanges the code for tokens and calls the API once. It shows the result on
// another page, so that the code doesn't stay in the address bar.
func (a *App) redeem(w http.ResponseWriter, r *http.Request, s *session, p pending) {
	q := r.URL.Query()
	exchange, tokens, err := a.client.redeem(r.Context(), q.Get("code"), p.Verifier)
	if err != nil {
		a.unreachable(w, err)
		return
	}
	if tokens == nil {
		a.problem(w, refused, errorOf(exchange))
		return
	}
	who, err := a.client.verify(r.Context(), tokens.IDToken, p.Nonce)
	if err != nil {
		a.config.Logger.Error("the application of the tour can't verify the ID token", "err", bare(err))
		a.problem(w, wrongIDToken, nil)
		return
	}
	user, err := a.client.get(r.Context(), "/api/user", tokens.AccessToken)
	if err != nil {
		a.unreachable(w, err)
		return
	}
	s.forget()
	s.code, s.verifier, s.tokens, s.who, s.idToken = q.Get("code"), p.Verifier, tokens, who, tokens.IDToken
	s.steps = story(p, q, exchange, user)
	page.Private(w)
	http.Redirect(w, r, "/demo/connected", http.StatusSeeOther)
}

// connected shows the tokens and what you can do with them.
func (a *App) connected(w http.ResponseWriter, r *http.Request) {
	s := a.sessions.of(r)
	if s == nil {
		http.Redirect(w, r, "/demo", http.StatusSeeOther)
		return
	}
	s.Lock()
	defer s.Unlock()
	if s.tokens == nil {
		http.Redirect(w, r, "/demo", http.StatusSeeOther)
		return
	}
	token, accessErr := decode(s.tokens.AccessToken, accessTokenHeader, accessTokenClaims)
	idToken, idErr := decode(s.idToken, idTokenHeader, idTokenClaims)
	if err := errors.Join(accessErr, idErr); err != nil {
		a.config.Logger.Error("the tour can't show the tokens", "err", err)
		a.problem(w, refused, nil)
		return
	}
	a.render(w, http.StatusOK, "connected", view{
		AppConfig: a.config, FormToken: s.token, Tokens: s.tokens, Token: token, IDToken: idToken, Who: s.who, Steps: s.steps, Last: s.last, Ended: s.ended,
	})
}

// button serves a form of the application: it runs do, and the next page shows the
// result.
func (a *App) button(do func(*App, context.Context, *session) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := a.sessions.of(r)
		if a.forms.CheckForm(r, func() bool { return s != nil && secret.Equal(s.token, r.PostFormValue("form_token")) }) != nil {
			http.Error(w, "This form was sent by another site.", http.StatusForbidden)
			return
		}
		if s == nil {
			http.Redirect(w, r, "/demo", http.StatusSeeOther)
			return
		}
		s.Lock()
		defer s.Unlock()
		if s.tokens != nil {
			if err := do(a, r.Context(), s); err != nil {
				a.unreachable(w, err)
				return
			}
		}
		http.Redirect(w, r, "/demo/connected", http.StatusSeeOther)
	})
}

// errorOf returns the members of a refusal at the token endpoint.
func errorOf(c call) url.Values {
	return parseError(c.Response)
}
