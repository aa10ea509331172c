package dashboard

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/loopback"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/pageform"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

//go:embed views dashboard.css
var files embed.FS

// pages are the parsed pages, in our look or in the application's layout.
type pages struct {
	look   *page.Look // nil with the application's layout
	policy string     // of the pages in the application's layout
	parsed map[string]*template.Template
}

// pageGroup are the pages, which the views of the application may replace.
var pageGroup = page.Group{
	Folder: "dashboard", Files: files, Main: "frame", Parts: []string{"parts"}, Samples: samples,
	Pages: []string{"apps", "remove", "remove_all", "tokens", "new_token", "token", "revoke_token", "confirm", "unconfirmed", "message"},
}

// Pages describes the pages for the command `passport views`.
func Pages() page.Group { return pageGroup }

// The names of our templates in an application's layout. The layout can have a template
// with any other name.
const inLayout = `{{define "head"}}<style>%s</style>{{end}}{{define "content"}}<div class="passport">{{template "passport.content" .}}{{template "passport.foot" .}}</div>{{end}}`

func parsePages(c Config, auth *passport.Server) (pages, error) {
	if c.Layout != nil {
		return pagesInLayout(c)
	}
	look, err := page.LookOf(c.Views, brand.Brand(c.Brand), logoBase(auth))
	if err != nil {
		return pages{}, fmt.Errorf("dashboard: %w", err)
	}
	parsed, err := pageGroup.ParseAll(look, c.Views)
	return pages{look: look, parsed: parsed}, err
}

// pagesInLayout parses the pages in the application's layout.
func pagesInLayout(c Config) (pages, error) {
	css, err := fs.ReadFile(files, "dashboard.css")
	if err != nil {
		return pages{}, err
	}
	sum := sha256.Sum256(css)
	p := pages{
		policy: strings.ReplaceAll(c.ContentSecurityPolicy, "{style}", "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'"),
		parsed: map[string]*template.Template{},
	}
	for _, name := range pageGroup.Pages {
		t, err := inLayoutOf(c.Layout, css)
		if err != nil {
			return p, err
		}
		if err := pageGroup.Add(t, pageGroup.Sources(c.Views), "parts", name); err != nil {
			return p, fmt.Errorf("dashboard: %w", err)
		}
		p.parsed[name] = t
	}
	return p, p.tryLayout(c)
}

// inLayoutOf returns a copy of an application's layout with our templates.
func inLayoutOf(layout *template.Template, css []byte) (*template.Template, error) {
	t, err := layout.Clone()
	if err != nil {
		return nil, fmt.Errorf("dashboard: Config.Layout cannot be copied: parse it for the dashboard alone, and don't execute it before: %w", err)
	}
	_, err = t.New("passport").Parse(fmt.Sprintf(inLayout, css))
	return t, err
}

// tryLayout renders a page in the application's layout, so that a fault is found when
// the application starts.
func (p pages) tryLayout(c Config) error {
	if c.Layout == nil {
		return nil
	}
	var body bytes.Buffer
	v := &view{Page: Page{Title: "Title", Site: "Site"}, Text: "the content of the dashboard"}
	if err := p.parsed["message"].Execute(&body, v); err != nil {
		return fmt.Errorf("dashboard: Config.Layout: %w", err)
	}
	if !strings.Contains(body.String(), v.Text) || !strings.Contains(body.String(), "<style>") {
		return errors.New(`dashboard: Config.Layout does not show the page: write {{template "head" .}} in the head and {{template "content" .}} in the body`)
	}
	return nil
}

// logoBase returns the path below which the server serves the logos of its brand.
func logoBase(auth *passport.Server) string {
	return strings.TrimSuffix(pathOf(auth, "passport.token"), "/token")
}

// pathOf returns the path of an endpoint of the server.
func pathOf(auth *passport.Server, name string) string {
	u, err := url.Parse(auth.URL(name))
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

// site returns the name of the server on the pages: of the brand, or else the issuer's
// host.
func (c Config) site(issuer *url.URL) string {
	switch {
	case c.Brand.Name != "":
		return c.Brand.Name
	case loopback.Name(issuer.Hostname()):
		return issuer.Host // with the port: several servers may run on loopback
	}
	return issuer.Hostname()
}

// done is a sentence about what was done, with a name in it. The name is apart, so that
// a page isolates it from our words.
type done struct{ Before, Name, After string }

// view is the data of the pages.
type view struct {
	Page
	ref oauth.UserRef

	Name, Email, Initial string // of the user
	Home                 string // path of the list
	Remove, RemoveAll    string // paths of the forms
	PasswordPage         string
	Done                 *done
	Notice, Fault        string

	Apps           []app
	All            int  // number of apps on all pages
	Number, Last   int  // of the page
	AnyUsed        bool // the page shows the last use of an app or a token
	Previous, Next string

	App   *app
	Word  string // to type
	Field template.HTML

	TokensURL, NewToken, Revoke string // paths; empty without the page of tokens
	Tokens                      []token
	Live, Limit                 int  // number of live tokens on all pages, and of those allowed; no limit is 0
	Full                        bool // the limit is reached
	Token                       *token
	Form                        *tokenForm
	Choose                      choices
	Once                        string // see passport.PersonalToken
	Secret, Curl                string // of a new token

	Text, RequestID string // of the message page
	Back            Link
}

// view returns the data that each page gets.
func (d *Dashboard) view(r *http.Request) *view {
	v := &view{
		Page: Page{Site: d.site},
		Home: d.path, Remove: d.path + removePath, RemoveAll: d.path + removeAllPath,
		PasswordPage: d.config.PasswordPage, RequestID: reqinfo.From(r.Context()).ID,
	}
	tokens := strings.HasPrefix(r.URL.Path, d.path+tokensPath)
	v.Links, v.Back = []Link{{Text: "Apps", URL: d.path, Current: !tokens}}, Link{Text: "Connected apps", URL: d.path}
	if !d.config.DisableTokens {
		v.TokensURL, v.NewToken, v.Revoke = d.path+tokensPath, d.path+newTokenPath, d.path+revokeTokenPath
		v.Links = append(v.Links, Link{Text: "Tokens", URL: v.TokensURL, Current: tokens})
		if tokens {
			v.Back = Link{Text: "Personal access tokens", URL: v.TokensURL}
		}
	} else if len(d.config.Links) == 0 {
		v.Links = nil // a single page
	}
	v.Links = append(v.Links, d.config.Links...)
	return v
}

// signedIn returns the data of a page for the signed-in user. Without one, it redirects
// to the sign-in page, which leads back to the path here; on an error it shows an error
// page. In both cases it returns nil.
func (d *Dashboard) signedIn(w http.ResponseWriter, r *http.Request, here string) *view {
	ref, user, err := d.auth.CurrentUser(r, d.config.Provider)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		target, err := d.auth.SignInURL(r, d.config.Provider, here)
		if err != nil {
			d.fail(w, r, err)
			return nil
		}
		page.Private(w)
		http.Redirect(w, r, target, http.StatusSeeOther)
		return nil
	case err != nil:
		d.fail(w, r, err)
		return nil
	}
	v := d.view(r)
	v.ref, v.User, v.Name = ref, user, page.Text(user.Name, maxName)
	v.Email = page.Text(user.Email, maxText)
	if v.Name == v.Email {
		v.Name = ""
	}
	v.Initial = initial(cmp.Or(v.Name, v.Email))
	return v
}

func (d *Dashboard) render(w http.ResponseWriter, r *http.Request, status int, name string, v *view) {
	if err := d.pages.render(w, status, name, v); err != nil && r.Context().Err() == nil {
		d.log.ErrorContext(r.Context(), "page not shown", "page", name, "request_id", v.RequestID, "err", err)
		http.Error(w, "The page can't be shown.", http.StatusInternalServerError)
	}
}

func (p pages) render(w http.ResponseWriter, status int, name string, v *view) error {
	if p.look != nil {
		return p.look.Render(w, status, p.parsed[name], v)
	}
	var body bytes.Buffer
	if err := p.parsed[name].Execute(&body, v); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	page.Headers(w)
	w.Header().Set("Content-Security-Policy", p.policy)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the browser may have closed the connection
	return nil
}

// fail shows an error page, and logs at Info what the browser caused, and at Error what
// the operator has to fix.
func (d *Dashboard) fail(w http.ResponseWriter, r *http.Request, err error) {
	v, status, level := d.view(r), http.StatusInternalServerError, slog.LevelInfo
	switch {
	case errors.Is(err, pageform.ErrForeign):
		status, v.Title, v.Text = http.StatusForbidden, "This form came from another site", "Nothing was changed. Open the page again and send the form from there."
	case errors.Is(err, pageform.ErrForm):
		status, v.Title, v.Text = http.StatusBadRequest, "This form could not be read", "Nothing was changed. Open the page again and send the form from there."
	case errors.Is(err, pageform.ErrSlow):
		status, v.Title, v.Text = http.StatusRequestTimeout, "This form took too long to arrive", "Nothing was changed. Open the page again and send the form from there."
	case errors.Is(err, errMethod):
		status, v.Title, v.Text = http.StatusMethodNotAllowed, "This address is for a page", "Open it in a browser to see the page."
	case errors.Is(err, oauth.ErrUnavailable):
		status, level, v.Title, v.Text = http.StatusServiceUnavailable, slog.LevelError, "Please try again in a moment", "The server is busy. You can safely try again."
		w.Header().Set("Retry-After", strconv.Itoa(oauth.RetryAfter))
	case errors.Is(err, oauth.TemporarilyUnavailable):
		status, level, v.Title, v.Text = http.StatusServiceUnavailable, slog.LevelWarn, "Please try again later", "The server can’t do this at the moment."
		w.Header().Set("Retry-After", strconv.Itoa(oauth.RetryAfter))
	default:
		level, v.Title, v.Text = slog.LevelError, "Something went wrong", "This is our fault, not yours. Open the page again to see what has changed."
	}
	if r.Context().Err() != nil {
		level = slog.LevelInfo // the browser has closed the request
	}
	d.log.Log(r.Context(), level, "error page shown", "request_id", v.RequestID, "method", r.Method, "path", reqinfo.Path(r), "status", status, "err", err)
	d.render(w, r, status, "message", v)
}
