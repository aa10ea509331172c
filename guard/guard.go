// Package guard protects an API: it finds the bearer token of a request, has it
// verified, applies rules, and hands token and user to the handler.
//
// An application that is its own authorization server uses Server.Guard of
// package passport, which is this package with a verifier that asks the store.
// An API in another process makes its own with [New] and a verifier that asks
// over the network.
//
// A refused request gets the challenge of RFC 6750 §3: 401 without an error when
// no token came, 401 invalid_token, 403 insufficient_scope with the scopes that
// would do.
package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-passport/passport/internal/ctxtoken"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// Verifier turns a bearer token into the record it stands for. It returns an
// [oauth.InvalidToken] error for one that may not be used. user is nil when the
// client acts for itself.
type Verifier func(r *http.Request, bearer string) (t *oauth.AccessToken, user *oauth.User, err error)

// Config configures [New].
type Config struct {
	// Verify is required.
	Verify Verifier

	// WithoutBearer, if set, is asked about a request that carries no bearer
	// token, for another proof of who sent it. It answers as a Verifier does; a
	// nil token says that there is none, and the request is refused. Whoever
	// sends a bearer token stands or falls with it.
	WithoutBearer func(r *http.Request) (t *oauth.AccessToken, user *oauth.User, err error)

	// Realm names the protected API in challenges; "api" by default.
	Realm string

	// OnRefusal writes status and body of a refusal; the challenge is in the
	// headers already. By default the body is the error as JSON.
	OnRefusal func(w http.ResponseWriter, r *http.Request, err *oauth.Error)

	// Logger gets a line for each refusal; [slog.Default] by default.
	Logger *slog.Logger
}

// New returns middleware that admits requests whose token passes all rules.
func New(c Config, rules ...Rule) func(http.Handler) http.Handler {
	if c.Realm == "" {
		c.Realm = "api"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.OnRefusal == nil {
		c.OnRefusal = writeJSON
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a, err := c.admit(r, rules)
			if err != nil {
				c.refuse(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(ctxtoken.With(r.Context(), a)))
		})
	}
}

// TokenFrom returns the access token that a guard admitted, or nil.
func TokenFrom(ctx context.Context) *oauth.AccessToken {
	a, _ := ctxtoken.From(ctx)
	return a.Token
}

func (c Config) admit(r *http.Request, rules []Rule) (a ctxtoken.Admitted, err error) {
	a, standsIn := ctxtoken.From(r.Context())
	if !standsIn || a.Token == nil {
		if a.Token, a.User, err = c.verify(r); err != nil {
			return a, err
		}
	}
	for _, rule := range rules {
		if err := rule.Admit(a.Token); err != nil {
			return a, err
		}
	}
	return a, nil
}

// verify returns what the request proves of its sender.
func (c Config) verify(r *http.Request) (*oauth.AccessToken, *oauth.User, error) {
	bearer, err := bearerToken(r)
	if err == nil {
		return c.Verify(r, bearer)
	}
	if c.WithoutBearer == nil || !errors.Is(err, noToken) {
		return nil, nil, err
	}
	t, user, otherErr := c.WithoutBearer(r)
	if t == nil && otherErr == nil {
		return nil, nil, err
	}
	return t, user, otherErr
}

// noToken is what a request without a token is refused with: a challenge and
// nothing about an error (RFC 6750 §3.1).
var noToken = &oauth.Error{Code: oauth.InvalidToken}

// maxBearer is far above any token of ours and below what would cost time.
const maxBearer = 16 << 10

// bearerToken reads the Authorization header (RFC 6750 §2.1), the only place
// where a token is looked for.
func bearerToken(r *http.Request) (string, error) {
	headers := r.Header.Values("Authorization")
	switch len(headers) {
	case 0:
		return "", fmt.Errorf("no Authorization header came: %w", noToken)
	case 1:
	default:
		return "", oauth.InvalidRequest.Errorf("more than one Authorization header was sent")
	}
	scheme, bearer, spaced := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", fmt.Errorf("the Authorization header is not of the Bearer scheme: %w", noToken)
	}
	bearer = strings.Trim(bearer, " ")
	switch {
	case !spaced || bearer == "":
		return "", oauth.InvalidRequest.Errorf("the Authorization header holds no token")
	case len(bearer) > maxBearer:
		return "", oauth.InvalidToken.Errorf("the token is too long")
	case !isB64Token(bearer):
		return "", oauth.InvalidRequest.Errorf("the Authorization header holds more than one token, or characters that no token has")
	}
	return bearer, nil
}

// isB64Token reports whether s is a b64token (RFC 6750 §2.1).
func isB64Token(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~+/", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// refuse answers as RFC 6750 §3 has it.
func (c Config) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := oauth.AsError(err)
	c.log(r, e, err)
	switch e.Code {
	case oauth.ServerError:
	case oauth.TemporarilyUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(oauth.RetryAfter))
	default:
		w.Header().Set("WWW-Authenticate", c.challenge(e))
	}
	w.Header().Set("Cache-Control", "no-store")
	c.OnRefusal(w, r, e)
}

func (c Config) log(r *http.Request, e *oauth.Error, err error) {
	level := slog.LevelInfo
	if e.Code == oauth.ServerError || e.Code == oauth.TemporarilyUnavailable {
		level = slog.LevelError
	}
	c.Logger.Log(r.Context(), level, "request refused by the guard", "request_id", reqinfo.From(r.Context()).ID,
		"method", r.Method, "path", r.URL.Path, "error", string(e.Code), "err", err.Error())
}

// challenge is the value of WWW-Authenticate.
func (c Config) challenge(e *oauth.Error) string {
	v := `Bearer realm=` + quoted(c.Realm)
	if e.Code == oauth.InvalidToken && e.Description == "" {
		return v
	}
	v += `, error=` + quoted(string(e.Code))
	if e.Description != "" {
		v += `, error_description=` + quoted(e.Description)
	}
	if e.Scope != "" {
		v += `, scope=` + quoted(e.Scope)
	}
	return v
}

// quoted puts quotes around a text and takes out what would end them: a rule of
// an application's own may have made its error without [oauth.ErrorCode.Errorf]
// (RFC 6750 §3).
func quoted(text string) string {
	return `"` + strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text) + `"`
}

func writeJSON(w http.ResponseWriter, _ *http.Request, e *oauth.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Code.Status())
	body := any(e)
	if e.Code == oauth.InvalidToken && e.Description == "" {
		body = struct { // the challenge says nothing about an error, but a person with curl may wonder
			Message string `json:"message"`
		}{"An access token is required: send it in the header Authorization: Bearer ..."}
	}
	// The answer is on its way: there is nobody to tell of a broken connection.
	_ = json.NewEncoder(w).Encode(body)
}
