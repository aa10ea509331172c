package account

import (
	"errors"
	"net/url"

	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/internal/pageform"
	"github.com/go-passport/passport/internal/sameorigin"
)

// errMethod means that the request method is wrong.
var errMethod = errors.New("the page accepts only GET and POST")

// formsOf returns the reader of the forms. It refuses a form from a page of another
// site, also a form that signs the user in to the attacker's account (login CSRF).
//
// Most browsers send Sec-Fetch-Site, so the form needs no token. Other browsers send
// "Origin: null", because our pages forbid the Referer. The form's token must then
// equal a cookie.
func formsOf(issuer string) pageform.Reader {
	names := cookie.Of(issuer)
	return pageform.Reader{
		Origin: sameorigin.New(issuer), Cookies: names, Name: names.Host("form"),
		Fields: []string{"email", "password", "current_password", "new_password", "confirm_password", "session", "all", "token", "return_to", pageform.TokenField},
	}
}

// returnTo returns the return address in a query or form. It is empty if there is none
// or if it is not a safe local path.
func returnTo(values url.Values) string {
	if all := values["return_to"]; len(all) == 1 {
		return localPath(all[0], "")
	}
	return ""
}
