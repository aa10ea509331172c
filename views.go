package passport

import (
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/views"
)

// Types of the data that the pages of [Config.Views] get. Package views documents
// them.
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

// WriteViews writes the built-in views into a folder as a start for an
// application's own: see [Config.Views]. It creates the folder if necessary. The
// command `passport views` calls it. If one of the files exists and force is false,
// it writes nothing and returns [fs.ErrExist].
func WriteViews(dir string, force bool) error { return page.Write(dir, force) }
