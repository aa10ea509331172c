package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// An agent is a simple browser: it keeps cookies, follows redirects and refreshes
// within the server, and sends forms.
type agent struct {
	t      *testing.T
	server *server
	http   *http.Client
}

// A page is the current page of an agent. If the server redirects to another
// host, such as the client's redirect URI, Away has the URL.
type page struct {
	url    *url.URL
	status int
	header http.Header
	body   []byte
	Away   *url.URL
}

func newAgent(t *testing.T, s *server) *agent {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &agent{t, s, &http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		Transport: transport{s.canaries, http.DefaultTransport},
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if !strings.HasPrefix(r.URL.String(), s.URL+"/") {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}}
}

func (a *agent) get(address string) page {
	a.t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.send(r)
}

// submit sends the first form of a page with the button, with the given values in
// its fields.
func (a *agent) submit(p page, button string, values url.Values) page {
	a.t.Helper()
	return a.send(a.request(p, button, values))
}

// request returns the request that [agent.submit] sends.
func (a *agent) request(p page, button string, values url.Values) *http.Request {
	a.t.Helper()
	for _, f := range p.forms(a.t) {
		name, value, ok := f.button(button)
		if !ok {
			continue
		}
		for k, v := range values {
			if !f.fields.Has(k) {
				a.t.Fatalf("the form with the button %q has no field %s, only %v", button, k, f.fields)
			}
			f.fields[k] = v
		}
		if name != "" {
			f.fields.Set(name, value)
		}
		action, err := p.url.Parse(f.action)
		if err != nil {
			a.t.Fatal(err)
		}
		r, err := http.NewRequest(f.method, action.String(), strings.NewReader(f.fields.Encode()))
		if err != nil {
			a.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", a.server.URL)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return r
	}
	a.t.Fatalf("no form of the page has a button %q:\n%s", button, p.body)
	return nil
}

func (a *agent) send(r *http.Request) page {
	a.t.Helper()
	res, err := a.http.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	p := page{url: res.Request.URL, status: res.StatusCode, header: res.Header, body: body}
	to := res.Header.Get("Location")
	if to == "" {
		to = p.refresh(a.t)
	}
	if to == "" {
		return p
	}
	next, err := p.url.Parse(to)
	if err != nil {
		a.t.Fatal(err)
	}
	if strings.HasPrefix(next.String(), a.server.URL+"/") && !strings.Contains(next.Path, "callback") {
		return a.get(next.String())
	}
	a.server.canaries.url(next.String())
	p.Away = next
	return p
}

// signIn fills in the sign-in page p.
func (a *agent) signIn(p page, email, password string) page {
	a.t.Helper()
	return a.submit(p, "Sign in", url.Values{"email": {email}, "password": {password}})
}

// form is a form of a page.
type form struct {
	action, method string
	fields         url.Values
	buttons        []button
}

type button struct{ name, value, text string }

func (f *form) button(text string) (name, value string, ok bool) {
	for _, b := range f.buttons {
		if strings.HasPrefix(b.text, text) {
			return b.name, b.value, true
		}
	}
	return "", "", false
}

func (p page) document(t *testing.T) *html.Node {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func (p page) forms(t *testing.T) (all []*form) {
	t.Helper()
	for n := range p.document(t).Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		f := &form{action: attribute(n, "action"), method: strings.ToUpper(attribute(n, "method")), fields: url.Values{}}
		for field := range n.Descendants() {
			switch {
			case field.Type != html.ElementNode:
			case field.Data == "button":
				f.buttons = append(f.buttons, button{attribute(field, "name"), attribute(field, "value"), textOf(field)})
			case field.Data == "input" && (attribute(field, "type") != "checkbox" || has(field, "checked")):
				f.fields.Add(attribute(field, "name"), attribute(field, "value"))
			}
		}
		all = append(all, f)
	}
	return all
}

// refresh returns the target of the page's meta refresh.
func (p page) refresh(t *testing.T) string {
	t.Helper()
	for n := range p.document(t).Descendants() {
		if n.Type == html.ElementNode && n.Data == "meta" && strings.EqualFold(attribute(n, "http-equiv"), "refresh") {
			_, to, _ := strings.Cut(attribute(n, "content"), "=")
			return strings.Trim(to, `'" `)
		}
	}
	return ""
}

func (p page) text(t *testing.T) string { return textOf(p.document(t)) }

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "style" {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
