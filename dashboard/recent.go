package dashboard

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/reqinfo"
)

// confirm lets the signed-in user authenticate again. The sign-in page leads back to the
// page at path, which shows form again and does not send it.
func (d *Dashboard) confirm(w http.ResponseWriter, r *http.Request, v *view, path string, form url.Values) {
	target, err := d.auth.Reauthenticate(r, v.ref, v.User, path, form)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	// Chromium blocks the redirect of a form to another origin.
	if r.Method == http.MethodPost && !d.here(target) {
		v.Title, v.Next = "Confirm it’s you", target
		d.render(w, r, http.StatusOK, "confirm", v)
		return
	}
	page.Private(w)
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// here reports whether a URL is on the origin of the server.
func (d *Dashboard) here(target string) bool {
	return strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "//") || strings.HasPrefix(target, d.origin+"/")
}

// unconfirmed is for a browser that comes back from the sign-in page without a new
// authentication. To send it there again could go on forever.
func (d *Dashboard) unconfirmed(w http.ResponseWriter, r *http.Request, v *view, path string, form url.Values) {
	target, err := d.auth.Reauthenticate(r, v.ref, v.User, path, form)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	why := "the sign-in page led back without a new sign-in: let it ask again if oauth.SignInRequest.Recent is true, and set User.AuthenticatedAt to the time"
	if v.User.AuthenticatedAt.IsZero() {
		why = "CurrentUser returns no User.AuthenticatedAt: set it to the time of the user's last sign-in, or set dashboard.Config.DisableTokens"
	}
	d.log.WarnContext(r.Context(), "a recent authentication was required", "request_id", reqinfo.From(r.Context()).ID, "user", v.ref, "fix", why)
	v.Title, v.Next = "We couldn’t confirm that it’s you", target
	d.render(w, r, http.StatusForbidden, "unconfirmed", v)
}
