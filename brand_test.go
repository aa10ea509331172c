package passport_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

const brandLogo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>`

// PA-0, PG-03: each page of the server has the operator's name, logo, colour and links.
func TestBrand_PA_0_OnEachPage(t *testing.T) {
	for name, views := range map[string]fs.FS{
		"built-in pages": nil,
		"custom pages":   fstest.MapFS{"decided.html": {Data: []byte(`{{define "main"}}{{.What}}{{end}}`)}},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t, func(c *passport.Config) {
				c.Views = views
				c.Brand = passport.Brand{
					Name: "The <Shop>", Logo: []byte(brandLogo), Accent: "#0b6e4f", HomeURL: "https://example.com/home", PrivacyURL: "https://example.com/privacy",
					TermsURL: "https://example.com/terms", SupportURL: "https://example.com/help",
				}
			})
			b := s.Browser().SignIn("alice")
			c := s.Web()
			consent := b.Authorize(c)
			unknown := b.Authorize(c, "client_id", "unknown")
			for page, body := range map[string]string{"consent": consent.Body, "error": unknown.Body} {
				for _, want := range []string{
					"The &lt;Shop&gt;</title>", "<span>The &lt;Shop&gt;</span>", "--accent: #0b6e4f", `<a href="https://example.com/home">`,
					`<a href="https://example.com/privacy">Privacy</a><a href="https://example.com/terms">Terms</a><a href="https://example.com/help">Help</a>`,
				} {
					if !strings.Contains(body, want) {
						t.Errorf("the page %s lacks %s:\n%s", page, want, body)
					}
				}
				if strings.Contains(body, "auth.example.com") {
					t.Errorf("the page %s has the server's host:\n%s", page, body)
				}
			}
			logo := regexp.MustCompile(`<img class="logo" src="(/oauth/logo-[^"]+\.svg)" alt="">`).FindStringSubmatch(consent.Body)
			if logo == nil {
				t.Fatalf("the consent page has no logo:\n%s", consent.Body)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, testkit.Issuer+logo[1], nil))
			if w.Code != http.StatusOK || w.Body.String() != brandLogo {
				t.Errorf("GET %s = %d %q, want the logo", logo[1], w.Code, w.Body)
			}
		})
	}
}
