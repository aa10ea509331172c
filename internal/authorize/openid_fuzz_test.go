package authorize_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/testkit"
)

// Any parameters of an authentication request lead to a page, to the sign-in page or to
// the client, and a code has exactly the nonce that was sent.
func FuzzAuthentication(f *testing.F) {
	for _, seed := range [][6]string{
		{"nonce", "10", "", "form_post", "login", "gold"},
		{"\x00", "-1", "x.y.z", "query", "none", "\xff"},
		{strings.Repeat("n", 513), "99999999999999999999", unsignedObject, "fragment", "consent select_account", ""},
		{`"><script>`, "0", "", "form_post", "none", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], seed[5], uint8(5))
	}
	f.Fuzz(func(t *testing.T, nonce, maxAge, hint, mode, prompt, acr string, how uint8) {
		s := provider(t)
		c, b := s.Web(), s.Browser()
		if how&1 != 0 {
			b.SignIn("alice")
		}
		params := c.Request("scope", "openid read", "nonce", nonce, "max_age", maxAge, "id_token_hint", hint, "response_mode", mode, "prompt", prompt, "acr_values", acr)
		a := b.Fuzzed(params.Encode(), how)
		if isSignIn(a) {
			a = a.SignIn("alice")
		}
		if a.IsConsent() {
			a = a.Decide(map[bool]string{true: "allow", false: "deny"}[how&4 != 0])
		}
		var got url.Values
		switch {
		case a.PostsForm():
			_, got = a.Form()
		case a.Target() != "" && !isSignIn(a):
			got = a.Params()
		}
		if a.Status >= 500 || got.Has("code") == got.Has("error") && got != nil {
			t.Fatalf("the response has %v: %s", got, a)
		}
		if code := got.Get("code"); code != "" {
			token, _ := s.Exchange(c, c.CodeForm(code)...).JSON()["id_token"].(string)
			if sent, ok := testkit.ClaimsOf(t, token)["nonce"].(string); sent != nonce || ok != (nonce != "") {
				t.Errorf("the ID token has the nonce %q, want %q", sent, nonce)
			}
		}
	})
}
