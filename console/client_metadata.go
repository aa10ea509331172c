package console

import (
	"context"
	"fmt"
	"io"
	"reflect"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/oauth"
)

// clientMetadata holds the options about what pages show of a client beside its name.
type clientMetadata struct {
	clientURI, policyURI, tosURI, logo string
	contacts                           []string
	verified                           bool
}

// metadataOptions are the options of a clientMetadata.
var metadataOptions = []string{"client-uri", "policy-uri", "tos-uri", "contact", "logo", "verified"}

// flags defines the options. update is for a client that exists, whose metadata they
// replace or remove.
func (m *clientMetadata) flags(cmd *cobra.Command, update bool) {
	f, empty, contacts, noLogo, unverified := cmd.Flags(), "", "; for several, repeat the option or put commas between them", "", ""
	if update {
		empty, contacts = "; an empty one removes it", "; the addresses that you pass replace all others"
		noLogo, unverified = "; an empty name removes the logo", "; --verified=false takes that back"
	}
	f.StringVar(&m.clientURI, "client-uri", "", "the `URL` of its home page, which the consent page links to"+empty)
	f.StringVar(&m.policyURI, "policy-uri", "", "the `URL` of its privacy policy")
	f.StringVar(&m.tosURI, "tos-uri", "", "the `URL` of its terms of service")
	f.StringArrayVar(&m.contacts, "contact", nil, "an email `ADDRESS` of its developers, for you"+contacts)
	f.StringVar(&m.logo, "logo", "", "a PNG or JPEG `FILE` of at most 512 kB and 1024×1024 pixels"+noLogo)
	f.BoolVar(&m.verified, "verified", false, "say on the consent page that you have checked who it belongs to"+unverified)
}

// readLogo returns the content of the file of the logo; nil without one.
func (m *clientMetadata) readLogo() ([]byte, error) {
	if m.logo == "" {
		return nil, nil
	}
	content, err := readBounded(m.logo, brand.MaxLogo)
	if err != nil {
		return nil, fmt.Errorf("can't read the logo %s: %w", m.logo, reason(err))
	}
	return content, nil
}

// registered returns the metadata of a new client; nil if the options say nothing.
func (m *clientMetadata) registered() *oauth.ClientMetadata {
	d := &oauth.ClientMetadata{ClientURI: m.clientURI, PolicyURI: m.policyURI, TOSURI: m.tosURI, Contacts: separated(m.contacts, ", "), Verified: m.verified}
	if reflect.ValueOf(*d).IsZero() {
		return nil
	}
	return d
}

// apply changes metadata as the options on the command line say.
func (m *clientMetadata) apply(to *oauth.ClientMetadata, named func(option string) bool) {
	if named("client-uri") {
		to.ClientURI = m.clientURI
	}
	if named("policy-uri") {
		to.PolicyURI = m.policyURI
	}
	if named("tos-uri") {
		to.TOSURI = m.tosURI
	}
	if named("contact") {
		to.Contacts = separated(m.contacts, ", ")
	}
	if named("logo") && m.logo == "" {
		to.Logo = ""
	}
	if named("verified") {
		to.Verified = m.verified
	}
}

// describedClient is a client with its metadata, for programs.
type describedClient struct {
	clientJSON
	*oauth.ClientMetadata
}

func writeDescribed(ctx context.Context, out io.Writer, s *passport.Server, c *oauth.Client) error {
	m, err := s.ClientMetadata(ctx, c.ID)
	if err != nil {
		return err
	}
	return writeJSON(out, describedClient{describeClient(s, c, ""), m})
}

func metadataDetails(m *oauth.ClientMetadata) []detail {
	return []detail{
		about("Home page", m.ClientURI),
		about("Privacy policy", m.PolicyURI),
		about("Terms", m.TOSURI),
		{label: "Contacts", values: m.Contacts},
		about("Logo", map[bool]string{true: "uploaded"}[m.Logo != ""]),
		about("Verified", map[bool]string{true: "yes"}[m.Verified]),
	}
}
