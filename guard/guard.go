// Package guard protects an API. It reads the bearer token of a request,
// verifies it, applies rules, and passes the token and the user to the handler.
//
// An application that is its own authorization server uses Server.Guard of
// package passport. Server.Guard is this package with a verifier that reads the
// store. An API in another process uses [Remote].
//
// A refused request gets a challenge (RFC 6750 §3): 401 without an error code
// if there is no token, 401 invalid_token, or 403 insufficient_scope with the
// required scopes.
package guard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-passport/passport/internal/ctxtoken"
	"github.com/go-passport/passport/internal/logline"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// Verifier returns the record of a bearer token. It returns an
// [oauth.InvalidToken] error if the token may not be used. user is nil if the
// client acts for itself. A Verifier must be safe for concurrent use.
type Verifier func(r *http.Request, bearer string) (t *oauth.AccessToken, user *oauth.User, err error)

// Config configures [New].
type Config struct {
	// Verify verifies the bearer token of a request. Required.
	Verify Verifier

	// WithoutBearer, if set, authenticates a request without a bearer token in
	// another way, such as a cookie. It returns the same as a Verifier, or a
	// nil token to refuse the request. It is never called for a request with a
	// bearer token, valid or not. Default: nil, which refuses the request.
	WithoutBearer func(r *http.Request) (t *oauth.AccessToken, user *oauth.User, err error)

	// Realm is the name of the protected API in challenges. Default: "api".
	Realm string

	// ResourceMetadata is the URL of the API's metadata, for challenges (RFC 9728
	// §5.1). Default: none.
	ResourceMetadata string

	// OnRefusal writes the status and body of a refusal. The challenge is
	// already in the headers. Default: the error as JSON.
	OnRefusal func(w http.ResponseWriter, r *http.Request, err *oauth.Error)

	// Logger gets a line for each refusal, with each value cut to 1024 bytes.
	// Default: [slog.Default].
	Logger *slog.Logger
}

// New returns middleware that passes a request to the handler if its token is
// valid and every rule admits it.
func New(c Config, rules ...Rule) func(http.Handler) http.Handler {
	if c.Realm == "" {
		c.Realm = "api"
	}
	c.Logger = logline.Bounded(cmp.Or(c.Logger, slog.Default()), nil)
	if c.OnRefusal == nil {
		c.OnRefusal = writeJSON
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a, err := c.admit(r, rules)
			if err != nil {
				c.refuse(w, r, a.Token, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(ctxtoken.With(r.Context(), a)))
		})
	}
}

// TokenFrom returns the access token that a guard admitted, or nil without a
// guard.
func TokenFrom(ctx context.Context) *oauth.AccessToken {
	a, _ := ctxtoken.From(ctx)
	return a.Token
}

func (c Config) admit(r *http.Request, rules []Rule) (a ctxtoken.Admitted, err error) {
	a, ok := ctxtoken.From(r.Context())
	if !ok || a.Token == nil {
		if a.Token, a.User, err = c.verify(r); err != nil {
			return a, err
		}
		if a.By == nil {
			a.By = verified{}
		}
	}
	for _, rule := range rules {
		if err := rule.Admit(a.Token); err != nil {
			return a, err
		}
	}
	return a, nil
}

// verified marks a token that a verifier of the application admitted. A guard of a server
// does not keep it: only a token without a mark comes from a test.
type verified struct{}

// verify returns the token and the user of the request.
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

// noToken is the error for a request without a token: a challenge without an
// error code (RFC 6750 §3.1).
var noToken = &oauth.Error{Code: oauth.InvalidToken}

// maxBearer is far longer than our tokens, and short enough to check quickly.
const maxBearer = 16 << 10

// bearerToken returns the token in the Authorization header (RFC 6750 §2.1). A
// guard accepts tokens nowhere else.
func bearerToken(r *http.Request) (string, error) {
	headers := r.Header.Values("Authorization")
	switch len(headers) {
	case 0:
		return "", fmt.Errorf("the request has no Authorization header: %w", noToken)
	case 1:
	default:
		return "", oauth.InvalidRequest.Errorf("more than one Authorization header was sent")
	}
	scheme, bearer, spaced := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", fmt.Errorf("the Authorization header does not use the Bearer scheme: %w", noToken)
	}
	bearer = strings.Trim(bearer, " ")
	switch {
	case !spaced || bearer == "":
		return "", oauth.InvalidRequest.Errorf("the Authorization header has no token")
	case len(bearer) > maxBearer:
		return "", oauth.InvalidToken.Errorf("the token is too long")
	case !isB64Token(bearer):
		return "", oauth.InvalidRequest.Errorf("the Authorization header has more than one token, or a character that no token has")
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

// refuse writes a refusal (RFC 6750 §3). t is nil if the request has no valid token.
func (c Config) refuse(w http.ResponseWriter, r *http.Request, t *oauth.AccessToken, err error) {
	e := oauth.AsError(err)
	c.log(r, t, e, err)
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

func (c Config) log(r *http.Request, t *oauth.AccessToken, e *oauth.Error, err error) {
	attrs := []any{"request_id", reqinfo.From(r.Context()).ID, "method", r.Method, "path", reqinfo.Path(r)}
	if t != nil && t.Client != nil {
		attrs = append(attrs, "client_id", t.Client.ID)
	}
	if e.Scope != "" {
		attrs = append(attrs, "required_scope", e.Scope)
	}
	attrs = append(attrs, "error", string(e.Code), "err", err.Error())
	c.Logger.Log(r.Context(), wire.Level(e, err), "request refused by the guard", attrs...)
}

// challenge returns the value of WWW-Authenticate.
func (c Config) challenge(e *oauth.Error) string {
	code := string(e.Code)
	if e.Code == oauth.InvalidToken && e.Description == "" {
		code = "" // no token was sent
	}
	parameters := []string{`Bearer realm=` + quoted(c.Realm)}
	for _, p := range []struct{ name, value string }{
		{"error", code}, {"error_description", e.Description}, {"scope", e.Scope}, {"resource_metadata", c.ResourceMetadata},
	} {
		if p.value != "" {
			parameters = append(parameters, p.name+"="+quoted(p.value))
		}
	}
	return strings.Join(parameters, ", ")
}

// quoted returns a text in quotes, without characters that are not allowed
// there (RFC 6750 §3). A custom rule may have created its error without
// [oauth.ErrorCode.Errorf].
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
		body = struct { // the challenge names no error, but a developer with curl needs a hint
			Message string `json:"message"`
		}{"An access token is required: send it in the header Authorization: Bearer ..."}
	}
	// The status is already sent, so an error cannot be reported.
	_ = json.NewEncoder(w).Encode(body)
}
