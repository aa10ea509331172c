package authserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/go-passport/passport/internal/issuer"
	"github.com/go-passport/passport/internal/origin"
)

// metadata has the endpoints that an API uses.
type metadata struct {
	jwks          string
	introspection string // "" if the server has none
}

// metadataURL returns the URL of an issuer's metadata (RFC 8414 §3.1).
func metadataURL(iss string) string {
	u, err := url.Parse(iss)
	if err != nil {
		return iss // validated
	}
	return u.Scheme + "://" + u.Host + issuer.WellKnown(u, "oauth-authorization-server")
}

// parseMetadata reads the metadata of an issuer (RFC 8414 §2, §3.3). The endpoints must
// be at the origin of the issuer, or at one of origins.
func parseMetadata(text []byte, iss string, origins []string) (m metadata, err error) {
	members, err := object(text)
	if err != nil {
		return m, err
	}
	var named string
	if err := members.read("issuer", &named); err != nil {
		return m, err
	}
	if named != iss {
		return m, fmt.Errorf("the document names the issuer %.200q: set Remote.Issuer to the server's own issuer, byte by byte", named)
	}
	for name, endpoint := range map[string]*string{"jwks_uri": &m.jwks, "introspection_endpoint": &m.introspection} {
		if err := members.read(name, endpoint); err != nil {
			return m, err
		}
		if err := checkEndpoint(name, *endpoint, append([]string{origin.Of(iss)}, origins...)); err != nil {
			return m, err
		}
	}
	if m.jwks == "" {
		return m, errors.New("the document has no jwks_uri")
	}
	return m, nil
}

func checkEndpoint(name, endpoint string, origins []string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%s is not a URL of an endpoint", name)
	}
	if at := origin.Of(endpoint); at == "" || !slices.Contains(origins, at) {
		return fmt.Errorf("%s is at another origin than the issuer, %.200q: if the endpoint belongs to the server, add its origin to Remote.Origins", name, at)
	}
	return nil
}

// members are the members of a JSON object. Their names are case-sensitive.
type members map[string]json.RawMessage

// object reads a JSON object.
func object(text []byte) (m members, err error) {
	if err := json.Unmarshal(text, &m); err != nil || m == nil {
		return nil, fmt.Errorf("the document is not a JSON object: %.40q", text)
	}
	return m, nil
}

// read reads a member, if there is one. A member of another type is an error.
func (m members) read(name string, to any) error {
	raw, ok := m[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return fmt.Errorf("the member %s has the wrong type", name)
	}
	return nil
}
