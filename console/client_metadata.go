package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/oauth"
)

// metadataChange holds the fields of `client update` that pages show beside the name.
type metadataChange struct {
	clientURI, policyURI, tosURI, logo string
	contacts                           []string
	verified                           bool
}

// metadataOptions are the options of a metadataChange.
var metadataOptions = []string{"client-uri", "policy-uri", "tos-uri", "contact", "logo", "verified"}

func (m *metadataChange) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.clientURI, "client-uri", "", "the `URL` of its home page, which the consent page links to; an empty one removes it")
	f.StringVar(&m.policyURI, "policy-uri", "", "the `URL` of its privacy policy")
	f.StringVar(&m.tosURI, "tos-uri", "", "the `URL` of its terms of service")
	f.StringArrayVar(&m.contacts, "contact", nil, "an email `ADDRESS` of its developers, for you; the addresses that you pass replace all others")
	f.StringVar(&m.logo, "logo", "", "a PNG or JPEG `FILE` of at most 512 kB and 1024×1024 pixels; an empty name removes the logo")
	f.BoolVar(&m.verified, "verified", false, "say on the consent page that you have checked who it belongs to; --verified=false takes that back")
}

// store changes the metadata of a client, if the command line names any of it. A
// conflict means that the client has been changed since it was read.
func (m *metadataChange) store(ctx context.Context, s *passport.Server, c *oauth.Client, named func(option string) bool) (*oauth.Client, error) {
	if !slices.ContainsFunc(metadataOptions, named) {
		return c, nil
	}
	var logo []byte
	if m.logo != "" {
		content, err := readBounded(m.logo, brand.MaxLogo)
		if err != nil {
			return nil, fmt.Errorf("can't read the logo %s: %w", m.logo, reason(err))
		}
		logo = content
	}
	for {
		stored, err := s.ClientMetadata(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		m.apply(stored, named)
		if err = s.UpdateClientMetadata(ctx, c, stored, logo); !errors.Is(err, oauth.ErrConflict) {
			return c, err
		}
		if c, err = s.Client(ctx, c.ID); err != nil {
			return nil, err
		}
	}
}

func (m *metadataChange) apply(to *oauth.ClientMetadata, named func(option string) bool) {
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
