// Package fetch is the HTTP client for URLs that come from outside: from clients, from
// users, and from documents of other servers. Such a URL could name a service in the
// server's own network (server-side request forgery).
//
// The client connects to public addresses only. It checks the address of the
// connection itself, so a name that resolves to another address at the second look-up
// (DNS rebinding) gains nothing. It follows no redirects, uses no proxy and no cookies,
// verifies TLS, and bounds the size, time and number of fetches.
package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits of a fetch.
const (
	defaultTimeout    = 5 * time.Second
	defaultConcurrent = 16
	perHost           = 4
	maxURL            = 2048
	maxHeader         = 16 << 10
	maxFormBody       = 4 << 10
)

// ErrForbidden is in the chain of each error about a URL, or about an address that its
// host resolves to, that the client must not use.
var ErrForbidden = errors.New("forbidden")

// Config configures [New]. The zero value is for public hosts only.
type Config struct {
	// Allowed are hosts that may have private addresses and may be used without TLS.
	Allowed Hosts

	// Timeout is the time of one fetch, from the look-up of the name to the last byte
	// of the body; by default 5 s. The wait for a turn is not included.
	Timeout time.Duration

	// Concurrent is the number of concurrent fetches; by default 16. At most 4 of
	// them go to the same host, so that a slow host does not delay others.
	Concurrent int

	RootCAs  *x509.CertPool // by default the roots of the system
	Resolver *net.Resolver  // by default [net.DefaultResolver]
}

// Client fetches URLs. It is safe for concurrent use.
type Client struct {
	allowed Hosts
	timeout time.Duration
	turns   *turns
	http    *http.Client
}

// New returns a client.
func New(c Config) *Client {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.Concurrent <= 0 {
		c.Concurrent = defaultConcurrent
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &Client{
		allowed: c.Allowed,
		timeout: c.Timeout,
		turns:   newTurns(c.Concurrent),
		http: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				Proxy:                  nil, // the environment's would connect in place of dial
				DialContext:            dialer{c.Allowed, c.Resolver}.dial,
				TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.RootCAs},
				Protocols:              protocols,
				DisableKeepAlives:      true, // no goroutine outlives a fetch
				DisableCompression:     true,
				MaxResponseHeaderBytes: maxHeader,
			},
		},
	}
}

// Response is the response to a fetch. Redirects are responses, too.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// PostForm sends a form. It returns at most the first 4 KB of the body; a body that is
// longer, slow or broken is not an error, because the status says what the receiver
// decided.
func (c *Client) PostForm(ctx context.Context, target string, form url.Values) (*Response, error) {
	r, err := c.request(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(r, func(res *http.Response) ([]byte, error) {
		body, _ := io.ReadAll(io.LimitReader(res.Body, maxFormBody))
		return body, nil
	})
}

// GetJSON fetches a JSON document of at most limit bytes. Every response without such
// a document and status 200 is an error.
func (c *Client) GetJSON(ctx context.Context, target string, limit int64) (*Response, error) {
	r, err := c.request(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	return c.do(r, func(res *http.Response) ([]byte, error) { return document(res, limit) })
}

// document reads a JSON document.
func document(res *http.Response, limit int64) ([]byte, error) {
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server responded with status %d, want 200; redirects are not followed", res.StatusCode)
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && (!strings.HasPrefix(kind, "application/") || !strings.HasSuffix(kind, "+json")) {
		return nil, errors.New("the Content-Type of the response is not application/json")
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the document: %w", err)
	case int64(len(body)) > limit:
		return nil, fmt.Errorf("the document is longer than %d bytes", limit)
	case !json.Valid(body):
		return nil, errors.New("the document is not JSON")
	}
	return body, nil
}

// request returns a request for a checked URL.
func (c *Client) request(ctx context.Context, method, target string, body io.Reader) (*http.Request, error) {
	u, err := c.allowed.parse(target)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("prepare request: %w", withoutURL(err))
	}
	r.Header.Set("User-Agent", "passport")
	return r, nil
}

// do waits for a turn, sends the request and reads the response.
func (c *Client) do(r *http.Request, read func(*http.Response) ([]byte, error)) (*Response, error) {
	if err := c.turns.take(r.Context(), r.URL.Hostname()); err != nil {
		return nil, fmt.Errorf("fetch from %s: wait for other fetches: %w", r.URL.Host, err)
	}
	defer c.turns.release(r.URL.Hostname())
	ctx, cancel := context.WithTimeout(r.Context(), c.timeout)
	defer cancel()
	res, err := c.http.Do(r.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("fetch from %s: %w", r.URL.Host, withoutURL(err))
	}
	defer res.Body.Close()
	body, err := read(res)
	if err != nil {
		return nil, fmt.Errorf("fetch from %s: %w", r.URL.Host, err)
	}
	return &Response{res.StatusCode, res.Header, body}, nil
}

// withoutURL removes the URL from an error, because its query may hold a secret.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
