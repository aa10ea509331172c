package demo

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxResponse is the maximum size of a response.
const maxResponse = 1 << 20

// client is the OAuth client in the application. It is public: it has no secret and uses
// PKCE.
type client struct {
	issuer      string
	id          string
	redirectURI string
	scopes      []string
	http        *http.Client
	agent       string // the User-Agent; net/http's if empty

	mu    sync.Mutex
	found *metadata
}

// metadata is the part of a server's metadata that the client uses (RFC 8414 §2).
type metadata struct {
	Issuer                      string `json:"issuer"`
	AuthorizationEndpoint       string `json:"authorization_endpoint"`
	TokenEndpoint               string `json:"token_endpoint"`
	DeviceAuthorizationEndpoint string `json:"device_authorization_endpoint"`
	JWKS                        string `json:"jwks_uri"`
}

// pending is an authorization request without a response.
type pending struct {
	State    string
	Nonce    string // of the ID token (OpenID Connect Core §3.1.2.1)
	Verifier string // the code_verifier (RFC 7636 §4.1)
	URL      string // to which the browser was redirected
}

// tokens is a token response (RFC 6749 §5.1).
type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
	IDToken      string `json:"id_token"`
}

func newClient(issuer, id, redirectURI string, scopes []string) *client {
	return &client{
		issuer: issuer, id: id, redirectURI: redirectURI, scopes: scopes,
		http: &http.Client{
			Timeout:   10 * time.Second,
			Transport: &http.Transport{MaxIdleConns: 2, IdleConnTimeout: 5 * time.Second},
			// A token endpoint doesn't redirect, and the request has secrets.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// discover returns the URLs of the server's endpoints.
func (c *client) discover(ctx context.Context) (*metadata, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found != nil {
		return c.found, nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.issuer+"/.well-known/oauth-authorization-server", nil)
	if err != nil {
		return nil, fmt.Errorf("get metadata: %w", err)
	}
	_, body, err := c.send(r, nil)
	if err != nil {
		return nil, fmt.Errorf("get metadata: %w", err)
	}
	var m metadata
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	if m.Issuer != c.issuer { // RFC 8414 §3.3
		return nil, fmt.Errorf("the metadata is not of the issuer %s", c.issuer)
	}
	c.found = &m
	return c.found, nil
}

// begin creates an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3).
func (c *client) begin(ctx context.Context) (pending, error) {
	m, err := c.discover(ctx)
	if err != nil {
		return pending{}, err
	}
	p := pending{State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text()}
	challenge := sha256.Sum256([]byte(p.Verifier))
	p.URL = m.AuthorizationEndpoint + "?" + url.Values{
		"response_type":         {"code"},
		"client_id":             {c.id},
		"redirect_uri":          {c.redirectURI},
		"scope":                 {strings.Join(c.scopes, " ")},
		"state":                 {p.State},
		"nonce":                 {p.Nonce},
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(challenge[:])},
		"code_challenge_method": {"S256"},
	}.Encode()
	return p, nil
}

// redeem exchanges a code for tokens (RFC 6749 §4.1.3).
func (c *client) redeem(ctx context.Context, code, verifier string) (call, *tokens, error) {
	return c.token(ctx, url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code},
		"redirect_uri":  {c.redirectURI},
		"client_id":     {c.id},
		"code_verifier": {verifier},
	})
}

// refresh exchanges a refresh token for a new pair (RFC 6749 §6).
func (c *client) refresh(ctx context.Context, refreshToken string) (call, *tokens, error) {
	return c.token(ctx, url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {refreshToken},
		"client_id":     {c.id},
	})
}

// token sends a request to the token endpoint. A refusal is a call without tokens, not
// an error.
func (c *client) token(ctx context.Context, form url.Values) (call, *tokens, error) {
	m, err := c.discover(ctx)
	if err != nil {
		return call{}, nil, err
	}
	made, body, err := c.post(ctx, m.TokenEndpoint, form)
	if err != nil {
		return call{}, nil, fmt.Errorf("request tokens: %w", err)
	}
	if made.Status != http.StatusOK {
		return made, nil, nil
	}
	var t tokens
	if err := json.Unmarshal(body, &t); err != nil {
		return call{}, nil, fmt.Errorf("read tokens: %w", err)
	}
	return made, &t, nil
}

// post sends a form to an endpoint of the server.
func (c *client) post(ctx context.Context, endpoint string, form url.Values) (call, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return call{}, nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	if c.agent != "" {
		r.Header.Set("User-Agent", c.agent)
	}
	return c.send(r, form)
}

// get calls the API with an access token (RFC 6750 §2.1).
func (c *client) get(ctx context.Context, path, accessToken string) (call, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.issuer+path, nil)
	if err != nil {
		return call{}, fmt.Errorf("call the API: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+accessToken)
	r.Header.Set("Accept", "application/json")
	made, _, err := c.send(r, nil)
	if err != nil {
		return call{}, fmt.Errorf("call the API: %w", err)
	}
	return made, nil
}

// send sends a request, and returns it with the response.
func (c *client) send(r *http.Request, form url.Values) (call, []byte, error) {
	response, err := c.http.Do(r)
	if err != nil {
		return call{}, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxResponse))
	if err != nil {
		return call{}, nil, err
	}
	return call{
		Request:   written(r, form),
		Status:    response.StatusCode,
		Challenge: response.Header.Get("WWW-Authenticate"),
		Response:  pretty(body),
	}, body, nil
}

// written returns the text of a request, with one parameter on a line.
func written(r *http.Request, form url.Values) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\nHost: %s\n", r.Method, r.URL.RequestURI(), r.URL.Host)
	for _, name := range []string{"Authorization", "Content-Type"} {
		if value := r.Header.Get(name); value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	if len(form) > 0 {
		b.WriteString("\n" + parameters(form))
	}
	return b.String()
}

// order is the order of parameters on a page.
var order = []string{"response_type", "grant_type", "client_id", "code", "refresh_token", "redirect_uri", "scope", "state", "nonce", "iss", "code_verifier", "code_challenge", "code_challenge_method"}

// parameters returns a form, one parameter on a line.
func parameters(form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	rank := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(rank(a)-rank(b), strings.Compare(a, b)) })
	lines := make([]string, len(names))
	for i, name := range names {
		lines[i] = name + "=" + url.QueryEscape(form.Get(name))
	}
	return strings.Join(lines, "\n&")
}

// pretty indents JSON. It doesn't change other texts.
func pretty(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, bytes.TrimSpace(body), "", "  ") != nil {
		return string(body)
	}
	return b.String()
}
