package dashboard

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// askToRemove asks for confirmation. Only the form removes an app; a link, an image or a
// prefetched page does not.
func (d *Dashboard) askToRemove(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("client")
	v := d.signedIn(w, r, d.removeURL(id))
	if v == nil {
		return
	}
	a, err := d.find(r, v, id)
	switch {
	case err != nil:
		d.fail(w, r, err)
	case a == nil:
		v.Notice = notConnected
		d.showList(w, r, http.StatusNotFound, v)
	default:
		v.Title, v.App, v.Field = "Remove "+a.Name+"?", a, d.formField(w, r)
		d.render(w, r, http.StatusOK, "remove", v)
	}
}

const notConnected = "That app is not connected to your account."

// remove handles the form of one app.
func (d *Dashboard) remove(w http.ResponseWriter, r *http.Request) {
	form, err := d.forms.Read(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	id := form.Get("client")
	v := d.signedIn(w, r, d.removeURL(id))
	if v == nil {
		return
	}
	r = withActor(r, v.ref)
	a, err := d.find(r, v, id)
	switch {
	case err != nil:
		d.fail(w, r, err)
		return
	case a == nil: // a second click, or another tab
		v.Notice = notConnected
		d.showList(w, r, http.StatusOK, v)
		return
	}
	if err := d.auth.Withdraw(r.Context(), v.ref, id); err != nil {
		d.fail(w, r, err)
		return
	}
	d.log.InfoContext(r.Context(), "connected app removed", "request_id", reqinfo.From(r.Context()).ID, "user", v.ref, "client_id", id)
	v.Done = &done{Name: a.Name, After: " was removed. It can no longer use your account."}
	d.showList(w, r, http.StatusOK, v)
}

func (d *Dashboard) removeURL(id string) string {
	return d.path + removePath + "?" + url.Values{"client": {id}}.Encode()
}

// find returns a connected app of the user; nil if it is not connected.
func (d *Dashboard) find(r *http.Request, v *view, id string) (*app, error) {
	apps, err := d.auth.ConnectedApps(r.Context(), v.ref)
	if err != nil {
		return nil, err
	}
	for _, a := range apps {
		if a.Client.ID == id {
			shown := d.shownApp(a, v.ref)
			return &shown, nil
		}
	}
	return nil, nil
}

// confirmWord is what a user types to remove all apps.
const confirmWord = "remove"

// askToRemoveAll asks the user to type a word.
func (d *Dashboard) askToRemoveAll(w http.ResponseWriter, r *http.Request) {
	if v := d.signedIn(w, r, d.path+removeAllPath); v != nil {
		d.showRemoveAll(w, r, http.StatusOK, v)
	}
}

func (d *Dashboard) showRemoveAll(w http.ResponseWriter, r *http.Request, status int, v *view) {
	apps, err := d.auth.ConnectedApps(r.Context(), v.ref)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if len(apps) == 0 {
		d.showList(w, r, http.StatusOK, v)
		return
	}
	v.Title, v.All, v.Word, v.Field = "Remove all apps?", len(apps), confirmWord, d.formField(w, r)
	d.render(w, r, status, "remove_all", v)
}

// removeAll handles the form of all apps.
func (d *Dashboard) removeAll(w http.ResponseWriter, r *http.Request) {
	form, err := d.forms.Read(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	v := d.signedIn(w, r, d.path+removeAllPath)
	if v == nil {
		return
	}
	if !strings.EqualFold(strings.TrimSpace(form.Get("confirm")), confirmWord) {
		v.Fault = "Type the word " + confirmWord + " to confirm."
		d.showRemoveAll(w, r, http.StatusUnprocessableEntity, v)
		return
	}
	r = withActor(r, v.ref)
	n, err := d.auth.WithdrawAll(r.Context(), v.ref)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.log.InfoContext(r.Context(), "all connected apps removed", "request_id", reqinfo.From(r.Context()).ID, "user", v.ref, "apps", n)
	v.Done = &done{After: "All " + strconv.Itoa(n) + " apps were removed. They can no longer use your account."}
	if n == 1 {
		v.Done = &done{After: "1 app was removed. It can no longer use your account."}
	}
	d.showList(w, r, http.StatusOK, v)
}

// withActor names the user in the audit log and in events.
func withActor(r *http.Request, user oauth.UserRef) *http.Request {
	info := reqinfo.From(r.Context())
	info.Actor = oauth.ForUser(user).Claim("")
	return r.WithContext(reqinfo.With(r.Context(), info))
}
