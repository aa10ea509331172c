package authorize_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// While the issuer is http, a callback may be http, too. The page shows its scheme and
// a warning, and the log says so when it is registered. On the user's own device, http is
// as good as https.
func TestAuthorize_PG_16_UnencryptedCallback(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.Issuer, c.InsecureAllowHTTP = "http://auth.example.com", true })
	b := s.Browser().SignIn("alice")
	for uri, shown := range map[string]string{
		"http://evil.example/cb":        "http://evil.example",
		"http://192.168.1.20:3000/cb":   "http://192.168.1.20:3000",
		"https://app.example.com/cb":    "",
		"http://127.0.0.1:3000/cb":      "",
		"http://localhost/cb":           "",
		"http://localhost.evil.example": "http://localhost.evil.example",
		"com.example.app:/cb":           "",
	} {
		before := strings.Count(s.Log.String(), "is not encrypted")
		c := s.Register(passport.Registration{RedirectURIs: []string{uri}})
		if logged := strings.Count(s.Log.String(), "is not encrypted") - before; (logged == 1) != (shown != "") || logged > 1 {
			t.Errorf("%s: registering it logs %d warnings, want one only if it is not encrypted", uri, logged)
		}
		page := b.Authorize(c)
		page.Ticket()
		const warning = "is not encrypted. Other people on the network can read the response"
		if text := page.String(); strings.Contains(text, warning) != (shown != "") || shown != "" && !strings.Contains(text, "return to "+shown+" .") {
			t.Errorf("%s: the page is %s, want %q with a warning, or none of both", uri, text, shown)
		}
	}
}
