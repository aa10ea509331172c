package authorize

import (
	"net/http"
	"net/url"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/views"
)

// signInFirst sends the user to sign in before their code is looked up: too many wrong
// codes came from browsers without a signed-in user. Signed-in users have a limit of
// their accounts, so an attacker can't stop them.
func (d *Devices) signInFirst(r *http.Request, typed string) outcome {
	o := signInOutcome{returnTo: d.path() + "?" + url.Values{"user_code": {typed}}.Encode()}
	if r.Method == http.MethodPost {
		o.from = fromOtherForm
	}
	var err error
	if o.target, err = d.Users.SignInURL(r, "", o.returnTo); err != nil {
		return d.refuse(&request{path: d.path()}, err)
	}
	return o
}

// maxTyped is the maximum length of a wrong code that the page repeats, in characters.
const maxTyped = 20

// askCode returns the empty page for a code.
func (d *Devices) askCode(fault string) outcome {
	return codeOutcome{status: http.StatusOK, page: d.codePage("", fault)}
}

// tooMany returns the page for a code after too many wrong ones.
func (d *Devices) tooMany(typed string, err error) outcome {
	return codeOutcome{common{err: err}, http.StatusTooManyRequests, d.codePage(typed, "There were too many wrong codes. Wait a moment, then try again.")}
}

// wrongCode returns the page for a code after a wrong one.
func (d *Devices) wrongCode(typed string, err error) outcome {
	fault := "This code isn’t valid. Check it, or get a new one on your device."
	if page.Text(typed, maxTyped) == "" {
		fault = "Enter the code."
	}
	return codeOutcome{common{err: err}, http.StatusUnprocessableEntity, d.codePage(typed, fault)}
}

func (d *Devices) codePage(typed, fault string) views.DevicePage {
	return views.DevicePage{UserCode: page.Text(typed, maxTyped), Fault: fault, Action: d.path()}
}

// codeOutcome asks the user for the code of a device.
type codeOutcome struct {
	common
	status int
	page   views.DevicePage
}

func (o codeOutcome) html(p views.Page) htmlReply {
	o.page.Page = p
	return htmlReply{status: o.status, view: page.View{Name: "device", Data: o.page}}
}

func (o codeOutcome) json() (int, any) {
	body := struct {
		Message string              `json:"message"`
		Action  string              `json:"action"`
		Errors  map[string][]string `json:"errors,omitempty"`
	}{"Send the code of the device as user_code.", o.page.Action, nil}
	if o.page.Fault != "" {
		body.Message, body.Errors = o.page.Fault, map[string][]string{"user_code": {o.page.Fault}}
	}
	return o.status, body
}
