package passport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/oauth"
)

// credentials are what a client authenticates with.
type credentials struct {
	id, secret string
	method     oauth.AuthMethod
}

// clientCredentials reads them from the Authorization header or the body, never
// both (RFC 6749 §2.3).
func clientCredentials(r *http.Request, form url.Values) (credentials, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return credentials{}, oauth.InvalidRequest.Errorf("more than one Authorization header was sent")
	}
	if len(headers) == 1 {
		return basicCredentials(headers[0], form)
	}
	c := credentials{id: form.Get("client_id"), secret: form.Get("client_secret"), method: oauth.AuthNone}
	switch {
	case c.id == "" && c.secret == "":
		return c, oauth.InvalidClient.Errorf("client authentication is missing: send HTTP Basic, or client_id and client_secret in the body")
	case c.id == "":
		return c, oauth.InvalidRequest.Errorf("client_secret was sent without client_id")
	case form.Has("client_secret") && c.secret != "":
		c.method = oauth.AuthPost
	}
	return c, nil
}

// basicCredentials reads the Basic scheme. Both halves are form-encoded below
// the base64 (RFC 6749 §2.3.1).
func basicCredentials(header string, form url.Values) (credentials, error) {
	malformed := oauth.InvalidClient.Errorf("the Authorization header is not HTTP Basic with a form-encoded client ID and secret")
	scheme, _, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return credentials{}, malformed
	}
	if len(header) > maxParameter {
		return credentials{}, malformed
	}
	id, secret, ok := (&http.Request{Header: http.Header{"Authorization": {header}}}).BasicAuth()
	if !ok {
		return credentials{}, malformed
	}
	id, err1 := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	if err1 != nil || err2 != nil {
		return credentials{}, malformed
	}
	if form.Get("client_secret") != "" {
		return credentials{}, oauth.InvalidRequest.Errorf("the client authenticated twice: in the Authorization header and in the body")
	}
	if other := form.Get("client_id"); other != "" && other != id {
		return credentials{}, oauth.InvalidRequest.Errorf("client_id differs from the one in the Authorization header")
	}
	c := credentials{id: id, secret: secret, method: oauth.AuthBasic}
	if secret == "" {
		c.method = oauth.AuthNone // some libraries send a public client's ID so
	}
	return c, nil
}

// dummyDigest is what a secret is compared with where there is no client.
var dummyDigest = oauth.DigestOf("no client has this secret")

// authenticate finds the client and checks how it authenticated, unless too many
// have failed. The work is the same in any case; of many guesses at once no more
// are answered than of as many one by one.
func (s *Server) authenticate(ctx context.Context, c credentials, at time.Time) (*oauth.Client, error) {
	client, err := s.identify(ctx, c, at)
	if err != nil && !errors.Is(err, oauth.InvalidClient) || err == nil && client.Public() {
		return client, err // nothing was proved or disproved
	}
	attempt := throttle.Attempt{Name: c.id, Address: reqinfo.From(ctx).Address}
	if refused := s.clientThrottle.Settle(attempt, err == nil); refused != nil {
		return nil, tooMany(oauth.InvalidClient, refused)
	}
	return client, err
}

// identify finds the client and checks how it authenticated. Whatever fails, the
// answer and the work are the same; the log says which check it was.
func (s *Server) identify(ctx context.Context, c credentials, at time.Time) (*oauth.Client, error) {
	failed := oauth.InvalidClient.Errorf("client authentication failed")
	client, err := s.config.Store.Client(ctx, c.id)
	if errors.Is(err, oauth.ErrNotFound) {
		dummyDigest.Matches(c.secret)
		return nil, fmt.Errorf("no client has this ID; `passport client list` shows those there are: %w", failed)
	}
	if err != nil {
		return nil, fmt.Errorf("find client: %w", err)
	}
	right := client.Authenticates(c.secret, at)
	switch {
	case !client.Active():
		return nil, fmt.Errorf("the client is revoked or suspended: %w", failed)
	case client.Public() && c.method != oauth.AuthNone:
		return nil, fmt.Errorf("the client is public and sent a secret; take the secret out of it: %w", failed)
	case client.Public():
		return client, nil
	case c.method == oauth.AuthNone:
		return nil, fmt.Errorf("the client is confidential and sent no secret: %w", failed)
	case !client.AuthMethod.Accepts(c.method):
		return nil, fmt.Errorf("the client used %s and is registered for %s: %w", c.method, client.AuthMethod, failed)
	case !right:
		return nil, fmt.Errorf("none of the client's %d secrets matches or is live; copy it again, or make a new one: %w", len(client.Secrets), failed)
	}
	return client, nil
}
