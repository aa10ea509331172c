package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/go-passport/passport/bench/internal/server"
)

// subject is a server with its database.
type subject struct {
	name, folder   string
	program, pprof string
	args, env      []string
	process        *process
	seeds          *seeds
	chains         [][]byte // refresh tokens in use, by connection
	bearers        []string // access tokens, by connection
}

// A benchCase is one kind of request.
type benchCase struct {
	name     string
	embedded bool // needs an embedding application: the passport command has no route for it, hashes passwords or reads accounts
	// callers returns the callers of the connections, with requests for about the
	// given duration.
	callers func(s *subject, ctx context.Context, connections int, lasting time.Duration) ([]caller, error)
}

var cases = []benchCase{
	{"client_credentials", false, (*subject).clientCredentials},
	{"authorization_code", false, (*subject).codes},
	{"refresh_token", false, (*subject).refresh},
	{"authorization_code, ID token RS256", true, idTokens(server.RS256Client)},
	{"authorization_code, ID token ES256", true, idTokens(server.ES256Client)},
	{"UserInfo", true, (*subject).userInfo},
	{"password", true, (*subject).passwords},
	{"guarded, JWT of a user", true, (*subject).guardedJWT},
	{"guarded, opaque personal token", true, (*subject).guardedOpaque},
	{"introspection, JWT of a user", true, (*subject).introspection},
	{"remote guard, JWT of a user", true, remote("/remote")},
	{"remote guard, cached introspection", true, remote("/introspected")},
}

func (s *subject) tokenRequest(form url.Values) []byte {
	return s.formRequest(clientID, "/oauth/token", form)
}

func (s *subject) formRequest(client, path string, form url.Values) []byte {
	body := form.Encode()
	basic := base64.StdEncoding.EncodeToString([]byte(client + ":" + s.seeds.secret))
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		path, s.process.address, basic, len(body), body)
}

func repeat(n int, request []byte) (callers []caller) {
	for range n {
		callers = append(callers, func([]byte) []byte { return request })
	}
	return callers
}

func (s *subject) clientCredentials(_ context.Context, n int, _ time.Duration) ([]caller, error) {
	return repeat(n, s.tokenRequest(url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}})), nil
}

// passwords begins a family with each request. Hashing a password would cost far
// more than the rest, so both servers compare a digest instead.
func (s *subject) passwords(_ context.Context, n int, _ time.Duration) ([]caller, error) {
	return repeat(n, s.tokenRequest(url.Values{"grant_type": {"password"}, "username": {server.Username}, "password": {server.Password}, "scope": {"read"}})), nil
}

// fastest is more codes per second than a server can redeem.
const fastest = 7000

func (s *subject) codes(ctx context.Context, n int, lasting time.Duration) ([]caller, error) {
	return s.codesOf(ctx, clientID, "read", n, lasting)
}

// idTokens returns the callers of a client that redeems codes and gets ID tokens.
func idTokens(client string) func(*subject, context.Context, int, time.Duration) ([]caller, error) {
	return func(s *subject, ctx context.Context, n int, lasting time.Duration) ([]caller, error) {
		if _, err := s.tokenOf(ctx, client, idScope, "id_token"); err != nil {
			return nil, err
		}
		return s.codesOf(ctx, client, idScope, n, lasting)
	}
}

// codesOf returns callers that redeem codes of a client.
func (s *subject) codesOf(ctx context.Context, client, scope string, n int, lasting time.Duration) ([]caller, error) {
	supply := max(64, int(lasting.Seconds()*float64(min(fastest, 3000*n))))
	first, err := s.seeds.moreCodes(ctx, client, scope, supply)
	if err != nil {
		return nil, fmt.Errorf("create codes: %w", err)
	}
	next, end := new(atomic.Int64), int64(first+supply)
	next.Store(int64(first))
	callers := make([]caller, n)
	for i := range callers {
		callers[i] = func([]byte) []byte {
			at := next.Add(1) - 1
			if at >= end {
				return nil
			}
			return s.formRequest(client, "/oauth/token", url.Values{
				"grant_type": {"authorization_code"}, "code": {code(int(at))}, "redirect_uri": {redirectURI}, "code_verifier": {verifier},
			})
		}
	}
	return callers, nil
}

// refresh uses the refresh token of the previous response.
func (s *subject) refresh(ctx context.Context, n int, _ time.Duration) ([]caller, error) {
	if missing := n - len(s.chains); missing > 0 {
		tokens, err := s.seeds.refreshTokens(ctx, missing)
		if err != nil {
			return nil, fmt.Errorf("create refresh tokens: %w", err)
		}
		for _, token := range tokens {
			s.chains = append(s.chains, []byte(token))
		}
	}
	callers := make([]caller, n)
	for i := range callers {
		sent := false
		callers[i] = func(response []byte) []byte {
			if sent {
				s.chains[i] = bytes.Clone(field(response, "refresh_token"))
			}
			sent = true
			return s.tokenRequest(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(s.chains[i])}})
		}
	}
	return callers, nil
}

// field returns a string field of a JSON object, which must not have escapes.
func field(body []byte, name string) []byte {
	_, rest, _ := bytes.Cut(body, []byte(`"`+name+`":"`))
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return value
}

func (s *subject) guardedRequest(bearer string) []byte { return s.get("/guarded", bearer) }

func (s *subject) get(path, bearer string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", path, s.process.address, bearer)
}

// accessTokens returns a JWT for each connection, which the server issued.
func (s *subject) accessTokens(ctx context.Context, n int) ([]string, error) {
	for len(s.bearers) < n {
		token, err := s.tokenOf(ctx, clientID, "read", "access_token")
		if err != nil {
			return nil, err
		}
		s.bearers = append(s.bearers, token)
	}
	return s.bearers[:n], nil
}

// tokenOf redeems a code of a client, and returns a token of the response.
func (s *subject) tokenOf(ctx context.Context, client, scope, name string) (string, error) {
	redeem, err := s.codesOf(ctx, client, scope, 1, 0)
	if err != nil {
		return "", err
	}
	response, err := s.ask(redeem[0](nil))
	if err != nil {
		return "", err
	}
	token := field(response, name)
	if len(token) == 0 {
		return "", fmt.Errorf("the server issued no %s: %s", name, response)
	}
	return string(token), nil
}

// userInfo asks about one user for each connection.
func (s *subject) userInfo(ctx context.Context, n int, _ time.Duration) (callers []caller, err error) {
	for range n {
		token, err := s.tokenOf(ctx, server.RS256Client, idScope, "access_token")
		if err != nil {
			return nil, err
		}
		request := s.get("/oauth/userinfo", token)
		switch response, err := s.ask(request); {
		case err != nil:
			return nil, err
		case !bytes.Contains(response, []byte(`"name"`)):
			return nil, fmt.Errorf("UserInfo says nothing about the user: %s", response)
		}
		callers = append(callers, repeat(1, request)...)
	}
	return callers, nil
}

// ask sends one request and returns the body of the response.
func (s *subject) ask(request []byte) (body []byte, err error) {
	once := func(response []byte) []byte {
		if response == nil {
			return request
		}
		body = response
		return nil
	}
	_, err = drive(s.process.address, []caller{once}, stuck)
	return body, err
}

func (s *subject) guardedJWT(ctx context.Context, n int, _ time.Duration) (callers []caller, err error) {
	tokens, err := s.accessTokens(ctx, n)
	for _, token := range tokens {
		callers = append(callers, repeat(1, s.guardedRequest(token))...)
	}
	return callers, err
}

// remote returns the callers of an API that has no database. One token per connection is
// used again and again.
func remote(path string) func(*subject, context.Context, int, time.Duration) ([]caller, error) {
	return func(s *subject, ctx context.Context, n int, _ time.Duration) (callers []caller, err error) {
		tokens, err := s.accessTokens(ctx, n)
		if err != nil {
			return nil, err
		}
		for _, token := range tokens {
			request := s.get(path, token)
			switch response, err := s.ask(request); {
			case err != nil:
				return nil, err
			case !bytes.Contains(response, []byte(`"user"`)):
				return nil, fmt.Errorf("a new token is refused: %s", response)
			}
			callers = append(callers, repeat(1, request)...)
		}
		return callers, nil
	}
}

// introspection is an API that introspects one token per connection.
func (s *subject) introspection(ctx context.Context, n int, _ time.Duration) (callers []caller, err error) {
	tokens, err := s.accessTokens(ctx, n)
	if err != nil {
		return nil, err
	}
	for _, token := range tokens {
		request := s.formRequest(apiID, "/oauth/introspect", url.Values{"token": {token}})
		switch response, err := s.ask(request); {
		case err != nil:
			return nil, err
		case !bytes.Contains(response, []byte(`"active":true`)):
			return nil, fmt.Errorf("a new token is not active: %s", response)
		}
		callers = append(callers, repeat(1, request)...)
	}
	return callers, nil
}

func (s *subject) guardedOpaque(ctx context.Context, n int, _ time.Duration) (callers []caller, err error) {
	tokens, err := s.seeds.opaqueTokens(ctx, n)
	if err != nil {
		return nil, fmt.Errorf("create personal tokens: %w", err)
	}
	for _, token := range tokens {
		callers = append(callers, repeat(1, s.guardedRequest(token))...)
	}
	return callers, nil
}
