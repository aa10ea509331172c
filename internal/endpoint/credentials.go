package endpoint

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// clientCredentials reads a client's credentials from the Authorization header or
// the body, but not from both (RFC 6749 §2.3).
func clientCredentials(r *http.Request, form url.Values) (clients.Credentials, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return clients.Credentials{}, oauth.InvalidRequest.Errorf("more than one Authorization header was sent")
	}
	if len(headers) == 1 {
		return basicCredentials(headers[0], form)
	}
	c := clients.Credentials{ID: form.Get("client_id"), Secret: form.Get("client_secret"), Method: oauth.AuthNone}
	switch {
	case c.ID == "" && c.Secret == "":
		return c, oauth.InvalidClient.Errorf("client authentication is missing: send HTTP Basic, or client_id and client_secret in the body")
	case c.ID == "":
		return c, oauth.InvalidRequest.Errorf("client_secret was sent without client_id")
	case form.Has("client_secret") && c.Secret != "":
		c.Method = oauth.AuthPost
	}
	return c, nil
}

// basicCredentials reads HTTP Basic. Both parts are form-encoded below the base64
// (RFC 6749 §2.3.1).
func basicCredentials(header string, form url.Values) (clients.Credentials, error) {
	malformed := oauth.InvalidClient.Errorf("the Authorization header is not HTTP Basic with a form-encoded client ID and secret")
	scheme, _, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return clients.Credentials{}, malformed
	}
	if len(header) > wire.MaxParameter {
		return clients.Credentials{}, malformed
	}
	id, secret, ok := (&http.Request{Header: http.Header{"Authorization": {header}}}).BasicAuth()
	if !ok {
		return clients.Credentials{}, malformed
	}
	id, err1 := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	if err1 != nil || err2 != nil {
		return clients.Credentials{}, malformed
	}
	if form.Get("client_secret") != "" {
		return clients.Credentials{}, oauth.InvalidRequest.Errorf("the client authenticated twice: in the Authorization header and in the body")
	}
	if other := form.Get("client_id"); other != "" && other != id {
		return clients.Credentials{}, oauth.InvalidRequest.Errorf("client_id differs from the one in the Authorization header")
	}
	c := clients.Credentials{ID: id, Secret: secret, Method: oauth.AuthBasic}
	if secret == "" {
		c.Method = oauth.AuthNone // some libraries send a public client's ID like this
	}
	return c, nil
}
