package authorize

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-passport/passport/internal/jsonid"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// A page of the application's own may take the place of ours: it asks for JSON
// where a browser asks for HTML, and gets what the page would show. Nothing else
// differs: the ticket is bound to browser and account, and works once. Only
// scripts of our own origin can read it, for the endpoint has no CORS.

// scripted reports whether the request is answered in JSON: it asks for that
// before HTML, or sends JSON and does not say.
func scripted(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		switch media, _, _ := mime.ParseMediaType(part); media {
		case "application/json":
			return true
		case "text/html":
			return false
		}
	}
	return sendsJSON(r)
}

func sendsJSON(r *http.Request) bool {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return media == "application/json"
}

// checkReader refuses to tell another site's script what a browser would be sent on
// with, by any method: without CORS it cannot read that, but an application may
// have put CORS around all of its routes.
func (e *Endpoint) checkReader(r *http.Request) error {
	if !scripted(r) {
		return nil
	}
	if err := e.Forms.CheckAnyMethod(r); err != nil {
		return fmt.Errorf("%w: %w", err, oauth.AccessDenied.Errorf("the request was sent by another site"))
	}
	return nil
}

// consentJSON is what the consent page would show.
type consentJSON struct {
	Message string `json:"message,omitempty"`
	Client  struct {
		ID        any    `json:"id"`
		Name      string `json:"name"`
		Untrusted bool   `json:"untrusted"`
	} `json:"client"`
	User struct {
		ID   any    `json:"id"`
		Name string `json:"name"`
	} `json:"user"`
	Scopes       []scopeJSON `json:"scopes"`
	Resources    []string    `json:"resources"`
	RedirectHost string      `json:"redirect_host"`
	OnDevice     bool        `json:"on_device"`
	Days         int         `json:"days"`
	Action       string      `json:"action"`
	Ticket       string      `json:"ticket"`
	ExpiresIn    int         `json:"expires_in"`
}

type scopeJSON struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	Granted     bool   `json:"granted"`
}

// consentJSON returns what the page would show.
func (e *Endpoint) consentJSON(q *request, who *users.Account, p views.ConsentPage) consentJSON {
	shown := consentJSON{
		Scopes: []scopeJSON{}, Resources: append([]string{}, p.Resources...), RedirectHost: p.Host, OnDevice: p.Device,
		Days: p.Days, Action: p.Action, Ticket: p.Ticket, ExpiresIn: int(TicketTTL.Seconds()),
	}
	shown.Client.ID, shown.Client.Name, shown.Client.Untrusted = jsonid.Value(q.client.ID, e.NumericClientIDs), p.Client.Name, p.Client.Untrusted
	shown.User.ID, shown.User.Name = jsonid.Value(who.Ref.ID, e.NumericUserIDs), p.User.Name
	for _, scope := range p.Scopes {
		shown.Scopes = append(shown.Scopes, scopeJSON(scope))
	}
	return shown
}

// redirectJSON says where to send the browser; with an error, that is how the
// client is told.
type redirectJSON struct {
	*oauth.Error
	RedirectTo string `json:"redirect_to,omitempty"`
}

// readAnswer reports whether the request is the answer to a page, and leaves that
// in r.PostForm. A script may send it as JSON too, and deny with DELETE.
func readAnswer(r *http.Request) (bool, error) {
	if r.Method == http.MethodGet {
		return false, nil
	}
	if r.Method == http.MethodPost && !sendsJSON(r) {
		return r.PostForm.Has("ticket"), nil
	}
	form, err := scriptForm(r)
	if err != nil {
		return false, wire.Unreadable(err)
	}
	switch {
	case r.Method == http.MethodDelete && !form.Has("decision"):
		form.Set("decision", "deny")
	case r.Method == http.MethodDelete && form.Get("decision") != "deny":
		form.Del("decision") // a contradiction
	}
	r.PostForm = form
	return r.Method == http.MethodPost || form.Has("ticket"), nil
}

// scriptForm reads a body of JSON, or the form of a DELETE.
func scriptForm(r *http.Request) (url.Values, error) {
	if !sendsJSON(r) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return url.ParseQuery(string(body))
	}
	object, err := wire.ReadJSONObject(r.Body)
	if err != nil {
		return nil, err
	}
	form := url.Values{}
	for _, name := range []string{"ticket", "decision"} {
		switch v := object[name].(type) {
		case nil:
		case string:
			form.Set(name, v)
		default:
			return nil, errors.New(name + " is not a text")
		}
	}
	return form, nil
}
