package authorize

import (
	_ "embed" // the script
	"net/http"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// With response_mode=form_post the response is a form that a page of this server posts to
// the client (OAuth 2.0 Form Post Response Mode §2). A script of ours sends the form. A
// browser without scripts shows a button. It is the only page that runs a script, and
// its Referrer-Policy lets the browser name the origin of the form to the client.

const formPost = "form_post"

// postsForm reports whether the response is a form. The app of a private-use scheme can't
// receive one, and neither can a token be in one: checkResponseMode refuses both.
func (e *Endpoint) postsForm(q *request) bool {
	mode := q.params["response_mode"]
	return e.IDTokens != nil && q.responder == nil && len(mode) == 1 && mode[0] == formPost && !redirect.PrivateUse(q.redirectURI)
}

// checkResponseMode checks response_mode (OAuth 2.0 Multiple Response Types §2.1).
func (e *Endpoint) checkResponseMode(q *request) error {
	want := "query"
	if q.responder != nil {
		want = "fragment"
	}
	switch mode := q.params.Get("response_mode"); {
	case mode == "", mode == want, q.formPost:
		return nil
	case mode == formPost && e.IDTokens != nil && q.responder == nil:
		return oauth.InvalidRequest.Errorf("response_mode=form_post is not for a URL scheme of an app: leave response_mode out")
	case e.IDTokens != nil && q.responder == nil:
		want += " or " + formPost
	}
	return oauth.InvalidRequest.Errorf("response_mode must be %s", want)
}

// form is a response that a page posts to the client.
type form struct {
	fields []redirect.Param
	script string // the URL of the script
}

// form returns a response as a form. Fields without a value are left out.
func (e *Endpoint) form(params []redirect.Param) *form {
	return &form{
		fields: slices.DeleteFunc(params, func(p redirect.Param) bool { return p.Value == "" }),
		script: strings.TrimSuffix(e.Path, "/authorize") + FormPostScriptPath,
	}
}

func (f *form) html(p views.Page, target string) htmlReply {
	shown := views.FormPostPage{Page: p, Action: page.Action(target), Host: redirect.Host(target), Script: f.script}
	for _, field := range f.fields {
		shown.Fields = append(shown.Fields, views.FormField{Name: field.Name, Value: field.Value})
	}
	return htmlReply{status: http.StatusOK, view: page.View{Name: page.FormPost, Data: shown, FormAction: targets(target), Script: true}}
}

func (f *form) byName() map[string]string {
	fields := map[string]string{}
	for _, field := range f.fields {
		fields[field.Name] = field.Value
	}
	return fields
}

// targets returns the sources that a form may be sent to, and that the client may
// redirect the browser to: Chromium applies form-action to the whole chain.
func targets(uri string) []string {
	switch host := redirect.Host(uri); {
	case redirect.HTTPS(uri):
		return []string{"https:"}
	case strings.HasPrefix(host, "127.0.0.1"), strings.HasPrefix(host, "localhost"):
		return []string{"https:", "http://127.0.0.1:*", "http://localhost:*"}
	}
	return []string{"https:", "http:"} // a policy can't name [::1]
}

// FormPostScriptPath is the path of the script, below that of the endpoints.
const FormPostScriptPath = "/form-post.js"

//go:embed form_post.js
var formPostScript []byte

// FormPostScript returns the handler of the script.
func FormPostScript(log wire.Log) http.Handler {
	return wire.Document("text/javascript; charset=utf-8", func() []byte { return formPostScript }, log)
}
