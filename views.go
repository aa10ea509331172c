package passport

import (
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/views"
)

// Types of the data for the pages of [Config.Views]. Package views documents them.
type (
	// Page is the data of every page: see [views.Page].
	Page = views.Page
	// ConsentPage is the data of consent.html: see [views.ConsentPage].
	ConsentPage = views.ConsentPage
	// ConsentClient is the client on the consent page: see [views.ConsentClient].
	ConsentClient = views.ConsentClient
	// ConsentUser is the user on the consent page: see [views.ConsentUser].
	ConsentUser = views.ConsentUser
	// ConsentScope is a scope on the consent page: see [views.ConsentScope].
	ConsentScope = views.ConsentScope
	// ConsentDevice is the device on the consent page: see [views.ConsentDevice].
	ConsentDevice = views.ConsentDevice
	// RedirectPage is the data of redirect.html: see [views.RedirectPage].
	RedirectPage = views.RedirectPage
	// DecidedPage is the data of decided.html: see [views.DecidedPage].
	DecidedPage = views.DecidedPage
	// DevicePage is the data of device.html: see [views.DevicePage].
	DevicePage = views.DevicePage
	// LogoutPage is the data of logout.html: see [views.LogoutPage].
	LogoutPage = views.LogoutPage
	// LoggedOutPage is the data of logged_out.html: see [views.LoggedOutPage].
	LoggedOutPage = views.LoggedOutPage
	// ErrorPage is the data of error.html: see [views.ErrorPage].
	ErrorPage = views.ErrorPage
)

// WriteViews writes the built-in views into a folder as a start for custom views:
// see [Config.Views]. It creates the folder if necessary. The command `passport
// views` calls it. If one of the files exists and force is false, it writes nothing
// and returns [fs.ErrExist].
func WriteViews(dir string, force bool) error { return page.Write(dir, force) }
