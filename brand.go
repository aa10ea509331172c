package passport

// Brand is the identity of the operator on the server's pages, for Config.Brand. All
// fields are optional. In a custom view, the template function brand returns what the
// layout shows: {{brand.Logo}}, {{brand.LogoDark}}, {{brand.Initial}},
// {{brand.HomeURL}}, and {{brand.Links}} with the URL and Text of each.
type Brand struct {
	// Name is the name at the top of each page and in its title, such as "The
	// Shop", of at most 60 characters. Default: the host of the issuer.
	Name string

	// Logo and LogoDark are the contents of an SVG or PNG file, of at most 512 kB,
	// and 1024×1024 pixels if PNG. LogoDark replaces Logo in the dark color scheme.
	// The server serves them below its path. Default: the first letter of Name.
	Logo, LogoDark []byte

	// Accent is the color of buttons and links in the light scheme, as #rrggbb. Its
	// contrast with white must be at least 4.5:1. The dark scheme has a lighter
	// color, which is derived. Default: blue.
	Accent string

	// HomeURL, PrivacyURL, TermsURL and SupportURL are links on every page: the name
	// at the top links to HomeURL, the others are at the bottom. Each is an https
	// URL, or http on loopback. Default: no link.
	HomeURL, PrivacyURL, TermsURL, SupportURL string
}
