package testkit

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

var (
	postedForm  = regexp.MustCompile(`(?s)<form id="form-post" method="post" action="([^"]*)">(.*?)</form>\s*<script src="(/[a-z/.-]*)" defer></script>`)
	postedField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// PostsForm reports whether the response is a page that posts a form to the client.
func (a *Response) PostsForm() bool { return postedForm.MatchString(a.Body) }

// Form returns the form that a page posts to the client with response_mode=form_post: its
// action and its fields. It fails the test for any other response, and for a response
// that is also in a URL.
func (a *Response) Form() (action string, fields url.Values) {
	a.T.Helper()
	form := postedForm.FindStringSubmatch(a.Body)
	if a.Status != 200 || form == nil || a.Target() != "" {
		a.T.Fatalf("want a page with a form for the client, got %s", a)
	}
	action, fields = html.UnescapeString(form[1]), url.Values{}
	for _, field := range postedField.FindAllStringSubmatch(form[2], -1) {
		name := html.UnescapeString(field[1])
		if fields.Has(name) {
			a.T.Errorf("the form has %s more than once", name)
		}
		fields.Add(name, html.UnescapeString(field[2]))
	}
	if n := strings.Count(form[2], "<input"); n != len(fields) {
		a.T.Errorf("the form has %d inputs, want one hidden input for each of %v", n, fields)
	}
	return action, fields
}
