package main_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// browser is a browser for the flow: it keeps cookies, follows links, redirects and
// refreshes, and sends forms with the headers that browsers send.
type browser struct {
	t      *testing.T
	client *http.Client
	seen   []string // every address
	url    *url.URL
	status int
	body   string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t}
	b.client = &http.Client{Jar: jar, Timeout: 10 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		b.seen = append(b.seen, r.URL.String())
		return nil
	}}
	return b
}

func (b *browser) get(address string) {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.resolve(address), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(r)
}

func (b *browser) resolve(address string) string {
	b.t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	if b.url != nil {
		to = b.url.ResolveReference(to)
	}
	return to.String()
}

var refresh = regexp.MustCompile(`(?i)<meta http-equiv="refresh" content="0;\s*url=([^"]*)"`)

func (b *browser) do(r *http.Request) {
	b.t.Helper()
	b.seen = append(b.seen, r.URL.String())
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.url, b.status, b.body = answer.Request.URL, answer.StatusCode, string(body)
	if to := refresh.FindStringSubmatch(b.body); to != nil {
		b.get(strings.Trim(html.UnescapeString(to[1]), "'"))
	}
}

var (
	formTag  = regexp.MustCompile(`(?s)<form[^>]*>.*?</form>`)
	inputTag = regexp.MustCompile(`<input[^>]*>`)
	action   = regexp.MustCompile(`<form[^>]*\saction="([^"]*)"`)
)

func attribute(tag, name string) string {
	found := regexp.MustCompile(`\s` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

// submit sends the form that has a button with the given text, with the given
// fields filled in as name, value.
func (b *browser) submit(button string, fields ...string) {
	b.t.Helper()
	for _, form := range formTag.FindAllString(b.body, -1) {
		tag := regexp.MustCompile(`(?s)<button[^>]*>\s*` + regexp.QuoteMeta(button) + `\s*</button>`).FindString(form)
		if tag == "" {
			continue
		}
		values := url.Values{}
		for _, input := range inputTag.FindAllString(form, -1) {
			if name := attribute(input, "name"); name != "" {
				values.Set(name, attribute(input, "value"))
			}
		}
		if name := attribute(tag, "name"); name != "" {
			values.Set(name, attribute(tag, "value"))
		}
		for i := 0; i < len(fields); i += 2 {
			values.Set(fields[i], fields[i+1])
		}
		to := b.url.String()
		if found := action.FindStringSubmatch(form); found != nil && found[1] != "" {
			to = b.resolve(html.UnescapeString(found[1]))
		}
		b.post(to, values)
		return
	}
	b.t.Fatalf("no form at %s has a button %q:\n%s", b.url, button, b.text())
}

func (b *browser) post(to string, values url.Values) {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, to, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", "null") // our pages forbid a referrer
	b.do(r)
}

var tags = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)

// text returns the text of the page.
func (b *browser) text() string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(b.body, " "))), " ")
}

// shows fails the test unless the page has all of the texts.
func (b *browser) shows(texts ...string) {
	b.t.Helper()
	for _, want := range texts {
		if !strings.Contains(b.text(), want) {
			b.t.Fatalf("the page at %s, status %d, has no %q:\n%s", b.url, b.status, want, b.text())
		}
	}
}
