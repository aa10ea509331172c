package authserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-passport/passport/oauth"
)

// unavailable is an error with [oauth.ErrUnavailable] in its chain, which a guard maps to
// 503.
type unavailable struct {
	what string
	err  error
}

// Error implements error.
func (u unavailable) Error() string { return u.what + ": " + u.err.Error() }

// Unwrap returns both errors.
func (u unavailable) Unwrap() []error { return []error{u.err, oauth.ErrUnavailable} }

var errPanicked = unavailable{"fetch", errors.New("the HTTP client panicked")}

// status is the error of a response with another status than 200.
type status int

// Error implements error.
func (s status) Error() string {
	switch {
	case s >= http.StatusMultipleChoices && s < http.StatusBadRequest:
		return fmt.Sprintf("the server responded with %d: redirects are not followed", int(s))
	case s == http.StatusNotFound:
		return "the server responded with 404: check Remote.Issuer, and that proxies pass /.well-known/ on"
	}
	return fmt.Sprintf("the server responded with %d", int(s))
}

// get fetches a document of at most limit bytes.
func (s *Server) get(ctx context.Context, url string, limit int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return s.do(r, limit)
}

func (s *Server) do(r *http.Request, limit int64) ([]byte, error) {
	r.Header.Set("Accept", "application/json, application/jwk-set+json")
	res, err := s.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, status(res.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(text)) > limit:
		return nil, fmt.Errorf("the document is longer than %d bytes", limit)
	case len(text) == 0:
		return nil, errors.New("the response is empty")
	}
	return text, nil
}
