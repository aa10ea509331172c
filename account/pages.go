package account

import (
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/loopback"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/pageform"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

//go:embed views
var views embed.FS

// parsePages parses the pages with the layout and style of the application's views,
// and the brand. The logos are served below the sign-in page.
func parsePages(c Config, prefix string) (*page.Look, map[string]*template.Template, error) {
	look, err := page.LookOf(c.Views, brand.Brand(c.Brand), prefix+signInPath)
	if err != nil {
		return nil, nil, err
	}
	pages, err := pageGroup.ParseAll(look, c.Views)
	return look, pages, err
}

// pageGroup are the pages, which the views of the application may replace.
var pageGroup = page.Group{
	Folder: "account", Files: views, Parts: []string{"parts"}, Samples: samples,
	Pages: []string{"sign_in", "confirm", "sign_out", "continue", "message", "account", "sessions", "security", "set_password", "verify_email"},
}

// Pages describes the pages for the command `passport views`.
func Pages() page.Group { return pageGroup }

// view is the data of the pages.
type view struct {
	Site     string // see the layout
	SignIn   string // paths of the pages
	SignOut  string
	Home     string
	ReturnTo string
	Another  string // the URL of the form for another account
	App      *app   // the app to which the browser returns; nil if none or unknown

	OtherUser bool // the app expects another user than the signed-in one

	Token string // see pageform.Reader
	User  *shown // the signed-in user

	Email                            string
	Alert, EmailFault, PasswordFault string
	Mismatch                         bool // the alert is about both fields

	Title, Text, RequestID string // of the message page

	// The pages for signed-in users.
	Account   string // path of the first one; empty if there are none, or if it is Apps
	Apps      string // path of the connected apps; empty if there are none
	Tokens    string // path of the personal access tokens; empty if there are none
	Sessions  string
	Security  string
	Page      string // path of this page, for the navigation
	Username  string // for password managers, which must know whose password changes
	NewFault  string // of the fields for a new password
	SameFault string
	Done      string // what has just been done
	List      []shownSession
	Others    bool // the list has other sessions than this one
	Full      bool // there may be more sessions than the list has

	// The pages of links.
	Link        string // the token of the link
	Invited     bool
	SetPassword string // paths
	VerifyEmail string
}

// shown is a user as the pages display them (UI-04).
type shown struct{ Name, Email, Initial string }

func show(s *session) *shown {
	if s == nil {
		return nil
	}
	return showUser(s.user)
}

func showEmail(u *User) string { return page.Text(u.Email, maxEmail) }

func showUser(user *User) *shown {
	u := &shown{Name: page.Text(user.DisplayName(), maxName), Email: showEmail(user)}
	first, _ := utf8.DecodeRuneInString(strings.ToUpper(u.Name))
	u.Initial = string(first)
	if u.Name == u.Email {
		u.Email = ""
	}
	return u
}

// view returns the data of a page for a browser with the session s. s may be nil.
func (a *Accounts) view(w http.ResponseWriter, r *http.Request, s *session) view {
	v := view{
		Site:   a.site,
		SignIn: a.prefix + signInPath, SignOut: a.prefix + signOutPath, Home: a.prefix + "/",
		Token: a.forms.Token(w, r), User: show(s), RequestID: reqinfo.From(r.Context()).ID,
	}
	if a.config.AccountPath != "" {
		v.Account, v.Sessions, v.Security = a.accountPath(""), a.accountPath(sessionsPath), a.accountPath(securityPath)
	}
	if a.config.AppsPath != "" {
		v.Apps = a.prefix + a.config.AppsPath
	}
	if a.config.TokensPath != "" {
		v.Tokens = a.prefix + a.config.TokensPath
	}
	if v.Account == v.Apps {
		v.Account = ""
	}
	return v
}

// Links returns the pages for signed-in users, for Config.Links of package dashboard.
func (a *Accounts) Links() (links []page.Link) {
	if a.config.AccountPath == "" {
		return nil
	}
	if a.config.AppsPath != a.config.AccountPath {
		links = append(links, page.Link{Text: "Account", URL: a.accountPath("")})
	}
	return append(links, page.Link{Text: "Sessions", URL: a.accountPath(sessionsPath)},
		page.Link{Text: "Security", URL: a.accountPath(securityPath)}, page.Link{Text: "Sign out", URL: a.prefix + signOutPath})
}

func (a *Accounts) render(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	if err := a.look.Render(w, status, a.pages[name], v); err != nil && r.Context().Err() == nil {
		a.log.ErrorContext(r.Context(), "page not shown", "page", name, "request_id", v.RequestID, "err", err)
	}
}

// fail shows an error page. It is for errors that the user cannot fix on this page.
func (a *Accounts) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := a.failed(w, r, err)
	v := a.view(w, r, nil)
	switch status {
	case http.StatusForbidden:
		v.Title, v.Text = "This form came from another site", "To protect you, forms are accepted only from the pages of this site. Open the page again and send the form from there."
	case http.StatusBadRequest:
		v.Title, v.Text = "This form could not be read", "Open the page again and send the form from there."
	case http.StatusRequestTimeout:
		v.Title, v.Text = "This form took too long to arrive", "Your connection may be slow. Open the page again and send the form from there."
	case http.StatusMethodNotAllowed:
		v.Title, v.Text = "This address is for a page", "Open it in a browser to see the page."
	case http.StatusServiceUnavailable:
		v.Title, v.Text = "Please try again in a moment", "The server is busy. You can safely try again."
	default:
		v.Title, v.Text = "Something went wrong", "This is our fault, not yours. Please try again in a moment."
	}
	a.render(w, r, status, "message", v)
}

// failed logs the error of a page and returns the HTTP status. It logs at Info what the
// browser caused, and at Error what the operator has to fix.
func (a *Accounts) failed(w http.ResponseWriter, r *http.Request, err error) int {
	status, level := http.StatusInternalServerError, slog.LevelError
	switch {
	case errors.Is(err, pageform.ErrForeign):
		status, level = http.StatusForbidden, slog.LevelInfo
	case errors.Is(err, pageform.ErrForm):
		status, level = http.StatusBadRequest, slog.LevelInfo
	case errors.Is(err, pageform.ErrSlow):
		status, level = http.StatusRequestTimeout, slog.LevelInfo
	case errors.Is(err, errMethod):
		status, level = http.StatusMethodNotAllowed, slog.LevelInfo
	case errors.Is(err, loopback.ErrForeignHost):
		status, level = http.StatusMisdirectedRequest, slog.LevelInfo
	case errors.Is(err, oauth.ErrUnavailable):
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", strconv.Itoa(oauth.RetryAfter))
	}
	if r.Context().Err() != nil {
		level = slog.LevelInfo // the browser has closed the request
	}
	a.log.Log(r.Context(), level, "error page shown", "request_id", reqinfo.From(r.Context()).ID,
		"method", r.Method, "path", reqinfo.Path(r), "status", status, "err", err)
	return status
}

// sentence returns an error as a sentence for a page.
func sentence(err error) string {
	first, size := utf8.DecodeRuneInString(err.Error())
	return string(unicode.ToUpper(first)) + err.Error()[size:] + "."
}

// waiting returns a duration in words, rounded up to minutes.
func waiting(d time.Duration) string {
	switch minutes := int((d + time.Minute - 1) / time.Minute); minutes {
	case 0, 1:
		return "a minute"
	default:
		return strconv.Itoa(minutes) + " minutes"
	}
}
