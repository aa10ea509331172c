package walkthrough

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var (
	form   = regexp.MustCompile(`<form[^>]*>`)
	action = regexp.MustCompile(`action="([^"]*)"`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	moveOn = regexp.MustCompile(`http-equiv="refresh" content="[^"]*url=([^"]*)"`)
)

// Browser returns a new browser.
func Browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// Arrive opens an address, signs in, allows, and returns the page at which the browser
// arrives.
func Arrive(t *testing.T, browser *http.Client, address string) string {
	t.Helper()
	response, err := browser.Get(address)
	for range 10 {
		if err != nil {
			t.Fatal(err)
		}
		text, readErr := io.ReadAll(response.Body)
		response.Body.Close()
		if readErr != nil {
			t.Fatal(readErr)
		}
		body, here := string(text), response.Request.URL
		if m := moveOn.FindStringSubmatch(body); m != nil {
			response, err = browser.Get(resolve(t, here, m[1]))
			continue
		}
		tag := form.FindString(body)
		if tag == "" {
			return body
		}
		target := here.String()
		if m := action.FindStringSubmatch(tag); m != nil {
			target = resolve(t, here, m[1])
		}
		values := url.Values{"customer": {"1"}, "decision": {"allow"}}
		for _, m := range hidden.FindAllStringSubmatch(body, -1) {
			values.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
		}
		r, newErr := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(values.Encode()))
		if newErr != nil {
			t.Fatal(newErr)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		response, err = browser.Do(r)
	}
	t.Fatalf("the browser does not arrive: it is at %s", response.Request.URL)
	return ""
}

func resolve(t *testing.T, from *url.URL, address string) string {
	t.Helper()
	to, err := from.Parse(html.UnescapeString(address))
	if err != nil {
		t.Fatal(err)
	}
	return to.String()
}
