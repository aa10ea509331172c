package dashboard

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/useragent"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// perPage is the number of apps or tokens on a page of a list.
const perPage = 20

// maxDevices is the number of devices that an app shows.
const maxDevices = 10

// Maximum lengths, in characters, of texts from users and clients.
const (
	maxName = 80
	maxText = 200
)

// app is a connected app as the pages show it.
type app struct {
	views.ConsentClient          // as on the consent page
	ID                  string   // unchanged, for forms
	Site                string   // the name of the server
	Scopes              []string // in words
	Since, Ends         day      // Ends is zero without live tokens
	Devices             []device // the newest
	MoreDevices         int
	Used                *use // nil if no use is known
}

// device is a device that the user allowed by its code.
type device struct {
	Name  string
	Since day
}

// day is a date on a page.
type day struct{ time.Time }

// Date returns the date for the attribute datetime.
func (d day) Date() string { return d.UTC().Format(time.DateOnly) }

// String returns the date in words.
func (d day) String() string { return d.UTC().Format("January 2, 2006") }

// shownApp returns an app as a page shows it to the user.
func (d *Dashboard) shownApp(a *oauth.ConnectedApp, user oauth.UserRef) app {
	shown := app{
		ConsentClient: page.Client(a.Client, a.Metadata, d.logos), ID: a.Client.ID, Site: d.site,
		Since: day{a.Since}, Ends: day{a.ExpiresAt}, Used: shownUse(a.LastUsedAt, a.LastUsedAddress, a.LastUsedAgent, time.Now()),
	}
	if a.Client.Owner == user {
		shown.Untrusted = false // the page says that another user registered it
	}
	for _, s := range a.Scopes {
		shown.Scopes = append(shown.Scopes, page.Text(cmp.Or(s.Description, s.ID), maxText))
	}
	for _, on := range a.Devices[:min(len(a.Devices), maxDevices)] {
		shown.Devices = append(shown.Devices, device{cmp.Or(page.Text(cmp.Or(on.Label, useragent.Program(on.UserAgent, maxName)), maxName), "A device without a name"), day{on.Since}})
	}
	shown.MoreDevices = len(a.Devices) - len(shown.Devices)
	return shown
}

// initial returns the letter that stands for the picture of a user.
func initial(name string) string {
	first, _ := utf8.DecodeRuneInString(strings.ToUpper(name))
	return string(first)
}

// list shows the connected apps.
func (d *Dashboard) list(w http.ResponseWriter, r *http.Request) {
	here := d.path
	if n := pageNumber(r); n > 1 {
		here += "?page=" + strconv.Itoa(n)
	}
	if v := d.signedIn(w, r, here); v != nil {
		d.showList(w, r, http.StatusOK, v)
	}
}

// showList shows the list as it is now, with the messages in v.
func (d *Dashboard) showList(w http.ResponseWriter, r *http.Request, status int, v *view) {
	apps, err := d.auth.ConnectedApps(r.Context(), v.ref)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	v.Title, v.All = "Connected apps", len(apps)
	for _, a := range pageOf(v, d.path, pageNumber(r), apps) {
		v.Apps = append(v.Apps, d.shownApp(a, v.ref))
		v.AnyUsed = v.AnyUsed || !a.LastUsedAt.IsZero()
	}
	d.render(w, r, status, "apps", v)
}

// pageOf returns the n-th page of a list at path, and sets the links to the others.
func pageOf[T any](v *view, path string, n int, all []T) []T {
	last := max(1, (len(all)+perPage-1)/perPage)
	n = min(n, last)
	if n > 1 {
		v.Previous = path + "?page=" + strconv.Itoa(n-1)
	}
	if n < last {
		v.Next = path + "?page=" + strconv.Itoa(n+1)
	}
	v.Number, v.Last = n, last
	return all[(n-1)*perPage : min(n*perPage, len(all))]
}

// pageNumber returns the page of the list in the query: 1 or more.
func pageNumber(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil {
		return 1
	}
	return max(1, n)
}
