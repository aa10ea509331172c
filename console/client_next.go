package console

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/oauth"
)

// nextSteps returns the commands to try a new client with, filled in for it. No line
// but a URL is wider than 80 columns.
func nextSteps(s *passport.Server, made *passport.NewClient) string {
	c := made.Client
	switch {
	case isAPI(c):
		return next(c, "ask about a token for "+c.Audience, "-d token=TOKEN", s.URL("passport.introspect"))
	case c.Allows("personal_access"):
		return "\nNext: put these lines into the environment of the server:\n\n" + personalEnv(c.ID, made.Secret)
	case c.Allows("authorization_code") && len(c.RedirectURIs) > 0:
		return nextOfCode(s, c)
	case c.Allows(deviceGrant) && s.URL("passport.device.code") != "":
		return nextOfDevice(s, c)
	case c.Allows("client_credentials"):
		return next(c, "get a token", "-d grant_type=client_credentials", s.URL("passport.token"))
	case c.Allows("password"):
		return next(c, "get a token for a user", "-d grant_type=password -d username=EMAIL -d password=PASSWORD", s.URL("passport.token"))
	case c.Allows("implicit") && len(c.RedirectURIs) > 0:
		return "\nNext: open this URL in a browser. The token is in the fragment of the callback URL:\n\n  " +
			s.URL("passport.authorizations.authorize") + "?" + query("response_type", "token", "client_id", c.ID, "redirect_uri", c.RedirectURIs[0]) + "\n"
	}
	return ""
}

// next is one step: what to do, and the command.
func next(c *oauth.Client, what, data, endpoint string) string {
	return fmt.Sprintf("\nNext: %s%s\n\n  curl %s \\\n    %s \\\n    %s\n", what, asksForSecret(c), curlClient(c), data, endpoint)
}

// nextOfCode are the two steps of the authorization code grant, with a new PKCE pair
// (RFC 7636).
func nextOfCode(s *passport.Server, c *oauth.Client) string {
	verifier := secret.New()
	digest := sha256.Sum256([]byte(verifier))
	pairs := []string{"response_type", "code", "client_id", c.ID, "redirect_uri", c.RedirectURIs[0]}
	if c.OpenID != nil && c.MayAsk("openid") { // otherwise the response has no ID token
		pairs = append(pairs, "scope", "openid")
	}
	authorize := s.URL("passport.authorizations.authorize") + "?" +
		query(append(pairs, "code_challenge", base64.RawURLEncoding.EncodeToString(digest[:]), "code_challenge_method", "S256")...)
	return fmt.Sprintf(`
Next: open this URL in a browser, and copy the code from the callback URL:

  %s

Then exchange the code for tokens%s

  curl %s \
    -d grant_type=authorization_code -d code=CODE \
    -d code_verifier=%s \
    -d redirect_uri=%s \
    %s
`, authorize, asksForSecret(c), curlClient(c), verifier, url.QueryEscape(c.RedirectURIs[0]), s.URL("passport.token"))
}

// nextOfDevice are the two steps of the device grant (RFC 8628).
func nextOfDevice(s *passport.Server, c *oauth.Client) string {
	return next(c, "request a code, and open verification_uri_complete of the response", `-d device_name=My+device`, s.URL("passport.device.code")) +
		fmt.Sprintf(`
Then poll for the tokens until you have allowed it%s

  curl %s \
    -d grant_type=%s \
    -d device_code=DEVICE_CODE \
    %s
`, asksForSecret(c), curlClient(c), deviceGrant, s.URL("passport.token"))
}

// curlClient are the arguments with which curl authenticates as a client. curl asks
// for the secret, so that neither the shell's history nor the list of processes has
// it.
func curlClient(c *oauth.Client) string {
	if c.Public() {
		return "-d client_id=" + shellWord(url.QueryEscape(c.ID))
	}
	return "-u " + shellWord(c.ID)
}

// asksForSecret ends the sentence before a curl command.
func asksForSecret(c *oauth.Client) string {
	if c.Public() {
		return ":"
	}
	return " (curl asks for the secret):"
}

// query returns the query of a URL, in the order of the given names and values.
func query(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pairs[i] + "=" + url.QueryEscape(pairs[i+1]))
	}
	return b.String()
}

// shellWord quotes a text for a shell, if it needs to be.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("-_.%+/:@,", r) || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
