package e2e_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

const shopLogo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#0b6e4f"/></svg>`

// PA-0, PG-15: the pages of a server with a brand and many groups of scopes have no
// fault of accessibility, and the browser shows the logo.
func TestE2E_PA_0_BrandInBrowser(t *testing.T) {
	s := newServer(t)
	logo := filepath.Join(s.dir, "logo.svg")
	if err := os.WriteFile(logo, []byte(shopLogo), 0o600); err != nil {
		t.Fatal(err)
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		t.Fatal(err)
	}
	appLogo := filepath.Join(s.dir, "app.png")
	if err := os.WriteFile(appLogo, picture.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "PASSPORT_BRAND_NAME=The Shop", "PASSPORT_BRAND_LOGO="+logo, "PASSPORT_BRAND_ACCENT=#0b6e4f", "PASSPORT_BRAND_HOME_URL=https://example.com",
		"PASSPORT_BRAND_PRIVACY_URL=https://example.com/privacy", "PASSPORT_BRAND_TERMS_URL=https://example.com/terms", "PASSPORT_BRAND_SUPPORT_URL=https://example.com/help",
		"PASSPORT_SCOPES=orders:read=See your orders; orders:write=Place orders; cards:read=See your cards; mail:read=Read your mail; files:read=See your files")
	s.start(t, "serve", "--listen", freeAddress(t))
	s.user(t, userEmail, userName)
	c := s.client(t, "--name", "Order Tracker", "--redirect-uri", "https://tracker.example/callback")
	s.command(t, "", "client", "update", c.ID, "--client-uri", "https://tracker.example", "--policy-uri", "https://tracker.example/privacy", "--logo", appLogo)
	b := newPerson(t, s).tab()

	b.open(authorize(s, c.ID, "https://tracker.example/callback", "scope", "orders:read orders:write cards:read mail:read files:read"))
	b.see("Sign in", "The Shop", "Privacy", "Terms", "Help")
	b.hasLogo()
	b.wellMade("the sign-in page with a brand")
	b.signIn(userEmail, userPassword)

	b.see("Order Tracker", "The Shop", "Orders", "Cards", "Mail", "Files")
	b.hasLogo()
	b.see("says it is from tracker.example", "not verified")
	if width := ask(b, chromedp.Evaluate[int](`document.querySelector("img.tile").naturalWidth`)); width == 0 {
		b.t.Error("the browser does not show the logo of the client")
	}
	b.wellMade("the consent page with a brand and folded scopes")
}

// hasLogo checks that the browser has loaded the logo.
func (b *tab) hasLogo() {
	b.t.Helper()
	if width := ask(b, chromedp.Evaluate[int](`document.querySelector("img.logo").naturalWidth`)); width == 0 {
		b.t.Error("the browser does not show the logo")
	}
}
