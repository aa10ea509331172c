package authserver

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// answer is a response of the introspection endpoint.
type answer struct {
	token  Token
	active bool
	asked  time.Time // before the request was sent
}

// question is a request to the introspection endpoint, for all requests with one token.
type question struct {
	done   chan struct{} // closed when answer and err are set
	answer answer
	err    error
}

// Introspect asks the server about a token (RFC 7662). It uses a response for TTL, and
// never longer: if the server is away then, the error is [oauth.ErrUnavailable]. The
// cache is that of one API, so its answers are for one audience.
func (s *Server) Introspect(ctx context.Context, bearer string) (Token, error) {
	if s.Authenticate == nil {
		return Token{}, fmt.Errorf("the token is opaque: set Remote.ClientID and ClientSecret to accept it: %w", oauth.InvalidToken.Errorf("the token is unknown"))
	}
	arrived := time.Now()
	id := digest(sha256.Sum256([]byte(bearer)))
	for {
		if a, ok := s.answers.Get(id); ok && s.fresh(a, arrived) {
			return s.result(a)
		}
		q, first := s.question(id)
		if first {
			s.ask(ctx, id, q, bearer)
		}
		select {
		case <-q.done:
		case <-ctx.Done():
			return Token{}, unavailable{"wait for the introspection endpoint", context.Cause(ctx)}
		}
		switch {
		case q.err != nil:
			return Token{}, q.err
		case s.fresh(q.answer, arrived):
			return s.result(q.answer)
		}
	}
}

// fresh reports whether an answer is recent enough for a request. An answer that was
// asked for after the request arrived always is.
func (s *Server) fresh(a answer, arrived time.Time) bool { return !arrived.After(a.asked.Add(s.TTL)) }

func (s *Server) result(a answer) (Token, error) {
	if !a.active {
		return Token{}, oauth.InvalidToken.Errorf("the token has expired or was revoked")
	}
	return a.token, a.token.Check(s.Issuer, time.Now())
}

// question returns the current question about a token, or a new one that the caller must
// ask.
func (s *Server) question(id digest) (q *question, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.asking[id]; q != nil {
		return q, false
	}
	q = &question{done: make(chan struct{}), err: errPanicked}
	s.asking[id] = q
	return q, true
}

// ask asks a question, in the goroutine of one request, for every request that waits. The
// end of that request does not end it.
func (s *Server) ask(ctx context.Context, id digest, q *question, bearer string) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.asking, id)
		close(q.done)
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	q.answer, q.err = s.introspect(ctx, bearer)
	if q.err == nil && s.TTL > 0 {
		s.answers.Put(id, q.answer)
	}
}

func (s *Server) introspect(ctx context.Context, bearer string) (a answer, err error) {
	a.asked = time.Now()
	k, err := s.known(ctx, false)
	if err != nil {
		return a, err
	}
	if k.introspection == "" {
		return a, errors.New("the metadata of the authorization server has no introspection_endpoint")
	}
	form := url.Values{"token": {bearer}, "token_type_hint": {"access_token"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.introspection, strings.NewReader(form.Encode()))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.Authenticate(r)
	text, err := s.do(r, maxIntrospection)
	if code, ok := errors.AsType[status](err); ok && (code == http.StatusUnauthorized || code == http.StatusForbidden) {
		return a, fmt.Errorf("the introspection endpoint refused the API with %d: check Remote.ClientID and ClientSecret; `passport client --api` creates them", int(code))
	}
	if err != nil {
		return a, unavailable{"introspect the token", err}
	}
	if a.token, a.active, err = parseIntrospection(text); err != nil {
		return a, unavailable{"read the response of the introspection endpoint", err}
	}
	return a, nil
}

// parseIntrospection reads a response about an access token (RFC 7662 §2.2). A refresh
// token, whose response has no token_type, is not active.
func parseIntrospection(text []byte) (t Token, active bool, err error) {
	members, err := object(text)
	if err != nil {
		return t, false, err
	}
	if members["active"] == nil {
		return t, false, errors.New("the response has no member active")
	}
	if err := members.read("active", &active); err != nil || !active {
		return t, false, err
	}
	var tokenType string
	for name, to := range map[string]any{
		"token_type": &tokenType, "iss": &t.Issuer, "sub": &t.Subject, "client_id": &t.ClientID, "jti": &t.ID, "aud": &t.Audience,
		"iat": &t.IssuedAt, "exp": &t.Expires, "nbf": &t.Before, "scope": &t.Scope, "auth_time": &t.AuthTime,
	} {
		if err := members.read(name, to); err != nil {
			return Token{}, false, err
		}
	}
	return t, strings.EqualFold(tokenType, "Bearer"), nil
}
