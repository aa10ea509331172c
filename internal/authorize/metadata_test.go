package authorize_test

import (
	"bytes"
	"html"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// PA-0: the page shows the metadata of a client, and its logo or its initials.
func TestConsent_PA_0_OI_171_Metadata(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	bare := b.Authorize(c)
	if !strings.Contains(bare.Body, `<span class="tile" aria-hidden="true">EA</span>`) || strings.Contains(bare.Body, "<img") || strings.Contains(bare.Body, "verified") {
		t.Errorf("the page of a client without metadata has no tile with initials, or has more:\n%s", bare.Body)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	m := &oauth.ClientMetadata{
		ClientURI: "https://tracker.example/?a=1&b=2", PolicyURI: "https://tracker.example/privacy", TOSURI: "https://tracker.example/terms",
		Contacts: []string{"dev@tracker.example"}, LogoURI: "https://tracker.example/registered.png",
	}
	s.Works(s.UpdateClientMetadata(t.Context(), c.Client, m, file.Bytes()))
	page := b.Authorize(c)
	for _, want := range []string{
		"says it is from <bdi>tracker.example</bdi> · not verified", `<a href="https://tracker.example/?a=1&amp;b=2" rel="noreferrer">Website</a>`,
		`<a href="https://tracker.example/privacy" rel="noreferrer">Privacy</a>`, `<a href="https://tracker.example/terms" rel="noreferrer">Terms</a>`,
	} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the page lacks %s:\n%s", want, page.Body)
		}
	}
	if strings.Contains(page.Body, "dev@") || strings.Contains(page.Body, "registered.png") {
		t.Errorf("the page shows contacts or the registered logo_uri:\n%s", page.Body)
	}
	src := regexp.MustCompile(`<img class="tile" src="([^"]+)" alt="">`).FindStringSubmatch(page.Body)
	if src == nil {
		t.Fatalf("the page has no logo:\n%s", page.Body)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, testkit.Issuer+html.UnescapeString(src[1]), nil))
	if _, err := png.Decode(w.Body); err != nil || w.Header().Get("Content-Type") != "image/png" || w.Header().Get("Content-Security-Policy") != "default-src 'none'; sandbox" {
		t.Errorf("GET %s = %d %v, %v, want a PNG in a sandbox", src[1], w.Code, w.Header(), err)
	}
	for _, query := range []string{"?client_id=" + c.ID, "?client_id=" + c.ID + "&digest=" + string(oauth.DigestOf("another")), "?client_id=%00&digest=%ff"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, testkit.Issuer+"/oauth/client-logo"+query, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("GET /oauth/client-logo%s = %d, want 404", query, w.Code)
		}
	}
	m.Verified = true
	s.Works(s.UpdateClientMetadata(t.Context(), c.Client, m, nil))
	if verified := b.Authorize(c); !strings.Contains(verified.Body, "<bdi>tracker.example</bdi> · verified by auth.example.com") {
		t.Errorf("the page does not say that the client is verified:\n%s", verified.Body)
	}
}

// PA-0: a change of the metadata asks again, also while the page is open. A change that
// the page does not show needs no page.
func TestConsent_PA_0_ChangedMetadataAsksAgain(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c).Allow().Code()
	m := &oauth.ClientMetadata{Contacts: []string{"dev@tracker.example"}}
	s.Works(s.UpdateClientMetadata(t.Context(), c.Client, m, nil))
	b.Authorize(c).Code()
	m.ClientURI = "https://bank.example"
	s.Works(s.UpdateClientMetadata(t.Context(), c.Client, m, nil))
	page := b.Authorize(c)
	page.Ticket()
	m.Verified = true
	s.Works(s.UpdateClientMetadata(t.Context(), c.Client, m, nil))
	page.Allow().WantPageAnew(page).Allow().Code()
	b.Authorize(c).Code()
}

// PA-0: an operator's verification replaces the warning about a client of a user.
func TestConsent_PA_0_VerifiedClientOfUser(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Owned("https://app.example.com/cb")
	const warning = "was registered by another user"
	if page := s.Browser().SignIn("alice").Authorize(c); !strings.Contains(page.Body, warning) {
		t.Errorf("the page does not warn: %s", page)
	}
	s.Works(s.UpdateClientMetadata(t.Context(), c.Client, &oauth.ClientMetadata{Verified: true}, nil))
	if page := s.Browser().SignIn("alice").Authorize(c); strings.Contains(page.Body, warning) || !strings.Contains(page.Body, "verified by auth.example.com") {
		t.Errorf("the page of a verified client warns: %s", page)
	}
	bob := s.Browser().SignIn("bob")
	sent := map[string]any{"name": "Example App", "redirect": "https://app.example.com/cb", "verified": false}
	bob.Ask("PUT", "/oauth/clients/"+c.ID, sent).WantStatus(200)
	if m, err := s.ClientMetadata(t.Context(), c.ID); err != nil || !m.Verified {
		t.Errorf("the owner's request changed the metadata to %+v, %v", m, err)
	}
	if got := bob.Ask("GET", "/oauth/clients").Body; !strings.Contains(got, `"verified":true`) {
		t.Errorf("GET /oauth/clients = %s, want the verification", got)
	}
	sent["client_uri"] = "https://bank.example"
	bob.Ask("PUT", "/oauth/clients/"+c.ID, sent).WantStatus(200)
	if page := s.Browser().SignIn("alice").Authorize(c); !strings.Contains(page.Body, warning) || strings.Contains(page.Body, "verified by auth.example.com") {
		t.Errorf("after the owner named another home page, the consent page still says that the client is verified: %s", page)
	}
}

// PA-0: metadata that came into the store past the checks is inert on the page.
func TestConsent_PA_0_HostileMetadata(t *testing.T) {
	s := testkit.NewServer(t)
	for i, hostile := range []string{"javascript:alert(1)", "data:text/html,<script>alert(1)</script>", `"><script>alert(1)</script>`, `https://x/" onmouseover="alert(1)`, "\u202ehttps://x"} {
		c := s.Web()
		m := &oauth.ClientMetadata{ClientURI: hostile, PolicyURI: hostile, TOSURI: hostile, Logo: oauth.Digest(hostile), Verified: i%2 == 0}
		s.Works(s.Store.(oauth.ClientMetadataStore).UpdateClientWithMetadata(t.Context(), c.Client, m, []byte(hostile), nil))
		page := s.Browser().SignIn("alice").Authorize(c)
		page.Ticket()
		for _, bad := range []string{"<script", `="javascript:`, `="data:text`, ` onmouseover="`, "\u202e"} {
			if strings.Contains(page.Body, bad) {
				t.Errorf("the page with the metadata %q has %q:\n%s", hostile, bad, page.Body)
			}
		}
	}
}
