package dashboard

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/logline"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/weburl"
)

// DefaultPath is the default of [Config.Path].
const DefaultPath = "/account"

// Config configures a [Dashboard]. All fields are optional.
type Config struct {
	// Path is the path of the list, below the issuer's path. The other pages are below
	// it. Default: [DefaultPath].
	Path string

	// Provider names the user provider whose users may use the pages. Default: every
	// provider. If users of several providers are signed in to a browser, the pages are
	// for the user of the first in passport.Server.Providers. Without a user, they lead
	// to the sign-in page of the first.
	Provider string

	// Links are further pages for signed-in users. The navigation shows them after the
	// lists of apps and tokens. Default: none.
	Links []Link

	// DisableTokens turns the page of personal access tokens off. The JSON API of
	// passport.Config still creates them. Default: the page is at Path + "/tokens". It
	// needs User.AuthenticatedAt, because users must have authenticated recently to create
	// a token.
	DisableTokens bool

	// PasswordPage is the path or URL of the page on which users change their password. The list links to
	// it for users who do not recognize an app. Default: no link.
	PasswordPage string

	// FormField returns a hidden field for the forms. Set it if a middleware of the
	// application checks forms against cross-site requests (CSRF) and needs a field. The
	// pages then have no other token. They still refuse a form if
	// the browser says that another site sent it. Default: none.
	FormField func(r *http.Request) template.HTML

	// Layout is the application's layout, in place of ours. It must show {{template
	// "head" .}} inside the head element and {{template "content" .}} inside the body.
	// Its data is a [Page]. The buttons use the CSS variable --accent, and --on-accent
	// for the text on it. Default: the layout of Views.
	Layout *template.Template

	// ContentSecurityPolicy is the header of the pages in an application's Layout.
	// {style} in it becomes the source of our style sheet. Default:
	// [DefaultContentSecurityPolicy].
	ContentSecurityPolicy string

	// Views and Brand are those of passport.Config, so that all pages look alike. Files in
	// the folder dashboard of Views replace the pages of this package.
	// Default: the built-in layout, and no brand.
	Views fs.FS
	Brand passport.Brand

	// TrustedProxies are those of passport.Config. They determine the address in the
	// log and in events. Default: none.
	TrustedProxies []netip.Prefix

	// Logger receives the log. Default: [slog.Default].
	Logger *slog.Logger
}

// DefaultContentSecurityPolicy is the default of [Config.ContentSecurityPolicy]. Pages in
// an application's layout may use scripts, styles, fonts and images of the same origin.
const DefaultContentSecurityPolicy = "default-src 'self'; style-src 'self' {style}; img-src 'self' data:; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"

// Link is a link in the navigation.
type Link = page.Link

// Page is the data of an application's layout.
type Page struct {
	Title string         // of the page
	Site  string         // Brand.Name, or else the issuer's host
	User  *passport.User // the signed-in user, with the application's Data; nil on an error page
	Links []Link         // the navigation; the content shows it, too
}

func (c Config) withDefaults() Config {
	c.Path = cmp.Or(c.Path, DefaultPath)
	c.ContentSecurityPolicy = cmp.Or(c.ContentSecurityPolicy, DefaultContentSecurityPolicy)
	c.Logger = logline.Bounded(cmp.Or(c.Logger, slog.Default()), nil)
	return c
}

// validate returns all faults, each with its fix.
func (c Config) validate(auth *passport.Server) error {
	var faults []error
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("dashboard: Config."+format, args...))
		}
	}
	add(!weburl.Path(c.Path), "Path %q: want a path such as /account/apps, without a slash at the end", safeurl.Text(c.Path))
	add(c.Provider != "" && !slices.Contains(auth.Providers(), c.Provider),
		"Provider %q: passport.Config has no such provider; want one of %q, or none for all", safeurl.Name(c.Provider), auth.Providers())
	for i, link := range c.Links {
		add(link.Text == "" || !isLink(link.URL), "Links[%d] is %q, %q: want a text, and a path or an https URL", i, safeurl.Name(link.Text), safeurl.Text(link.URL))
	}
	add(c.PasswordPage != "" && !isLink(c.PasswordPage), "PasswordPage %q: want a path or an https URL", safeurl.Text(c.PasswordPage))
	for i, p := range c.TrustedProxies {
		add(!p.IsValid(), "TrustedProxies[%d] is not a valid prefix: use netip.ParsePrefix", i)
	}
	for _, fault := range brand.Brand(c.Brand).Faults() {
		add(true, "%w", fault)
	}
	for _, fault := range pageGroup.Check(c.Views) {
		add(true, "Views: %w", fault)
	}
	return errors.Join(faults...)
}

// isLink reports whether a page may link to s.
func isLink(s string) bool {
	return strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}
