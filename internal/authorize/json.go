package authorize

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/formdata"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// An application can show its own consent page. Its script asks for JSON where a
// browser asks for HTML, and gets the data of the page. The ticket rules are the
// same: it is bound to browser and account, and works once. The endpoint has no
// CORS, so only scripts of the server's own origin can read the response.

// scripted reports whether the response is JSON: the Accept header prefers JSON to
// HTML, or the request sends JSON and accepts neither explicitly.
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

// checkReader refuses a script of another site, with any method. Without CORS such
// a script cannot read the response. But an application may have put CORS around
// all of its routes, and the response holds a redirect with a code.
func (e *Endpoint) checkReader(r *http.Request) error {
	if !scripted(r) {
		return nil
	}
	if err := e.Forms.CheckAnyMethod(r); err != nil {
		return fmt.Errorf("%w: %w", err, oauth.AccessDenied.Errorf("the request was sent by another site"))
	}
	return nil
}

// consentJSON is the JSON form of a consent page.
type consentJSON struct {
	Message string `json:"message,omitempty"`
	Client  struct {
		ID        any    `json:"id"`
		Name      string `json:"name"`
		Untrusted bool   `json:"untrusted"`
		ClientURI string `json:"client_uri,omitempty"`
		PolicyURI string `json:"policy_uri,omitempty"`
		TOSURI    string `json:"tos_uri,omitempty"`
		LogoURL   string `json:"logo_url,omitempty"`
		Verified  bool   `json:"verified"`
	} `json:"client"`
	User struct {
		ID    any    `json:"id"`
		Name  string `json:"name"`
		Email string `json:"email"`
	} `json:"user"`
	Device       *deviceJSON `json:"device,omitempty"`
	Scopes       []scopeJSON `json:"scopes"`
	Resources    []string    `json:"resources"`
	RedirectHost string      `json:"redirect_host"`
	OnDevice     bool        `json:"on_device"`
	Days         int         `json:"days"`
	Action       string      `json:"action"`
	Ticket       string      `json:"ticket"`
	ExpiresIn    int         `json:"expires_in"`
}

// deviceJSON is the device that asks.
type deviceJSON struct {
	UserCode    string    `json:"user_code"`
	Name        string    `json:"name"`
	UserAgent   string    `json:"user_agent"`
	Address     string    `json:"address"`
	RequestedAt time.Time `json:"requested_at"`
}

type scopeJSON struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	Granted     bool   `json:"granted"`
	Group       string `json:"group"`
	CanChange   bool   `json:"can_change"`
	Sensitive   bool   `json:"sensitive"`
	Optional    bool   `json:"optional"`

	Includes []string `json:"includes,omitempty"`
}

func newConsentJSON(o consentOutcome) consentJSON {
	p := o.page
	shown := consentJSON{
		Scopes: []scopeJSON{}, Resources: append([]string{}, p.Resources...), RedirectHost: p.Host, OnDevice: p.Device,
		Days: p.Days, Action: p.Action, Ticket: p.Ticket, ExpiresIn: int(TicketTTL.Seconds()),
	}
	shown.Client.ID, shown.Client.Name, shown.Client.Untrusted = o.clientID, p.Client.Name, p.Client.Untrusted
	shown.Client.ClientURI, shown.Client.PolicyURI, shown.Client.TOSURI = p.Client.ClientURI, p.Client.PolicyURI, p.Client.TOSURI
	shown.Client.LogoURL, shown.Client.Verified = p.Client.LogoURL, p.Client.Verified
	shown.User.ID, shown.User.Name, shown.User.Email = o.userID, p.User.Name, p.User.Email
	if d := p.Requester; d != nil {
		shown.Device = &deviceJSON{d.UserCode, d.Label, d.Agent, d.Address, d.At}
	}
	for _, scope := range p.Scopes {
		shown.Scopes = append(shown.Scopes, scopeJSON(scope))
	}
	return shown
}

// redirectJSON holds the URL to send the browser to, or the form to post to the client.
// If it has an error, that reports the error to the client.
type redirectJSON struct {
	*oauth.Error
	RedirectTo string            `json:"redirect_to,omitempty"`
	PostTo     string            `json:"post_to,omitempty"`
	Fields     map[string]string `json:"fields,omitempty"` // of the form
}

// readDecision reports whether the request is a decision on a consent page, and
// stores the decision in r.PostForm. A script may also send it as JSON, and deny
// with DELETE.
func readDecision(r *http.Request, known parameters) (bool, error) {
	if r.Method == http.MethodGet {
		return false, nil
	}
	if r.Method == http.MethodPost && !sendsJSON(r) {
		return r.PostForm.Has("ticket"), nil
	}
	form, err := scriptForm(r, known)
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

// scriptForm reads a JSON body, or the form of a DELETE.
func scriptForm(r *http.Request, known parameters) (url.Values, error) {
	if !sendsJSON(r) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return formdata.Parse(string(body), known.hasInput)
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
			return nil, errors.New(name + " is not a string")
		}
	}
	var ok bool
	if form["scope_granted"], ok = textsIn(object["scope_granted"]); !ok {
		return nil, errors.New("scope_granted is not an array of strings")
	}
	return form, nil
}

// textsIn returns the strings of a JSON array, which may be missing.
func textsIn(value any) (texts []string, ok bool) {
	list, ok := value.([]any)
	if !ok {
		return nil, value == nil
	}
	for _, element := range list {
		text, ok := element.(string)
		if !ok {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, true
}
