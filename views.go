package passport

import (
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/views"
)

// What the pages of [Config.Views] get. Package views documents the types.
type (
	// Page is [views.Page].
	Page = views.Page
	// ConsentPage is [views.ConsentPage].
	ConsentPage = views.ConsentPage
	// ConsentClient is [views.ConsentClient].
	ConsentClient = views.ConsentClient
	// ConsentUser is [views.ConsentUser].
	ConsentUser = views.ConsentUser
	// ConsentScope is [views.ConsentScope].
	ConsentScope = views.ConsentScope
	// RedirectPage is [views.RedirectPage].
	RedirectPage = views.RedirectPage
	// DecidedPage is [views.DecidedPage].
	DecidedPage = views.DecidedPage
	// ErrorPage is [views.ErrorPage].
	ErrorPage = views.ErrorPage
)

// WriteViews writes the server's own views into a folder, which it makes if
// necessary, so that an application can start from them: see [Config.Views].
// `passport views` calls it. If one of the files exists, it writes nothing without
// force, and the error is [fs.ErrExist].
func WriteViews(dir string, force bool) error { return page.Write(dir, force) }
