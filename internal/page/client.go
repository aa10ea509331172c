package page

import (
	"cmp"
	"net/url"

	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// Maximum lengths, in characters, of texts from clients on a page.
const (
	maxClientName = 80
	maxClientID   = 200
)

// ClientName returns the name of a client for a page.
func ClientName(c *oauth.Client) string {
	return cmp.Or(Text(c.Name, maxClientName), "An app without a name")
}

// Client returns a client as pages show it. logos is the path of the logos of clients.
func Client(c *oauth.Client, m *oauth.ClientMetadata, logos string) views.ConsentClient {
	shown := views.ConsentClient{
		ID: Text(c.ID, maxClientID), Name: ClientName(c),
		Untrusted: c.Owner != oauth.UserRef{} && !m.Verified, Attributes: c.Attributes,
		ClientURI: m.ClientURI, PolicyURI: m.PolicyURI, TOSURI: m.TOSURI, Verified: m.Verified,
	}
	if m.Logo != "" {
		shown.LogoURL = logos + "?" + url.Values{"client_id": {c.ID}, "digest": {string(m.Logo)}}.Encode()
	}
	return shown
}
