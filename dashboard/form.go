package dashboard

import (
	"errors"
	"html/template"
	"net/http"

	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/internal/pageform"
	"github.com/go-passport/passport/internal/sameorigin"
)

// errMethod means that the request method is wrong.
var errMethod = errors.New("the page does not accept this method")

// formsOf returns the reader of the forms. An application's middleware may add fields,
// and check its own token instead of ours.
func formsOf(issuer string, checked bool) pageform.Reader {
	names := cookie.Of(issuer)
	return pageform.Reader{
		Origin: sameorigin.New(issuer), Cookies: names, Name: names.Host("dashboard"),
		Fields:   []string{"client", "confirm", "token_id", nameField, expiryField, dateField, onceField, pageform.TokenField},
		Repeated: []string{scopeField}, Others: true, Checked: checked,
	}
}

// formField returns the hidden field of a form: the application's, or our token if
// d.forms needs one from this browser.
func (d *Dashboard) formField(w http.ResponseWriter, r *http.Request) template.HTML {
	if d.config.FormField != nil {
		return d.config.FormField(r)
	}
	token := d.forms.Token(w, r)
	if token == "" {
		return ""
	}
	return template.HTML(`<input type="hidden" name="` + pageform.TokenField + `" value="` + token + `">`) //nolint:gosec // letters and digits
}
