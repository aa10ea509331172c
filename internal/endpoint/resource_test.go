package endpoint_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// The operator, the client and the API each spell the URI of a resource. Spellings that
// are equivalent under RFC 3986 are accepted. Tokens have the spelling of the settings.
func TestToken_FR_24_SpellingsOfAResource(t *testing.T) {
	for _, configured := range []string{"https://mcp.example.com", "https://mcp.example.com/", "https://MCP.example.com:443"} {
		for _, asked := range []string{"https://mcp.example.com", "https://mcp.example.com/", "https://mcp.example.com:443", "HTTPS://Mcp.Example.com:443/"} {
			t.Run(configured+" "+asked, func(t *testing.T) {
				t.Parallel()
				s := testkit.NewServer(t, func(c *passport.Config) { c.Audience, c.Resources = configured, []string{"https://other.example/v1"} })
				web, machine := s.Web(), s.Machine()
				tokens := s.Redeem(web, s.Code(web, "resource", asked))
				refreshed := s.Refresh(web, tokens.Refresh, "resource", asked).Tokens()
				for what, token := range map[string]string{
					"of a code": tokens.Access, "of a refresh token": refreshed.Access,
					"of a client": s.MachineToken(machine, "resource", asked), "without resource": s.MachineToken(machine),
				} {
					if aud := testkit.ClaimsOf(t, token)["aud"]; aud != configured {
						t.Errorf("aud of a token %s = %v, want the configured %s", what, aud, configured)
					}
					if !s.Admits(token) {
						t.Errorf("the guard refuses the server's own token %s", what)
					}
					if res := introspection(t, s, s.API(asked), token); res["active"] != true || res["aud"] != configured {
						t.Errorf("introspection by an API registered for %s = %v for a token %s", asked, res, what)
					}
				}
				if api := s.API(asked); api.Audience != configured {
					t.Errorf("stored audience of the API = %s, want %s", api.Audience, configured)
				}
				narrowed := s.Exchange(web, append(web.CodeForm(s.Code(web, "resource", configured, "prompt", "consent")), "resource", asked)...).Tokens()
				if aud := testkit.ClaimsOf(t, narrowed.Access)["aud"]; aud != configured {
					t.Errorf("aud of a token for a code with another spelling = %v, want %s", aud, configured)
				}
			})
		}
	}
}

// If the operator changes the spelling of the audience, existing tokens, codes and APIs
// keep working.
func TestToken_FR_24_AnotherSpellingOfTheAudience(t *testing.T) {
	before := testkit.NewServer(t, func(c *passport.Config) { c.Audience = "https://mcp.example.com" })
	web, api := before.Web(), before.API("https://mcp.example.com")
	tokens, code := before.GrantTokens(web, "resource", "https://mcp.example.com"), before.Code(web, "resource", "https://mcp.example.com", "prompt", "consent")
	s := before.Restart(func(c *passport.Config) { c.Audience = "https://mcp.example.com/" })
	if !s.Admits(tokens.Access) {
		t.Error("the guard refuses an old token")
	}
	s.Redeem(web, code)
	next := s.Refresh(web, tokens.Refresh, "resource", "https://mcp.example.com").Tokens().Access
	if aud := testkit.ClaimsOf(t, next)["aud"]; aud != "https://mcp.example.com/" {
		t.Errorf("aud of a new token = %v, want the configured spelling", aud)
	}
	for _, token := range []string{tokens.Access, next} {
		if res := introspection(t, s, api, token); res["active"] != true {
			t.Errorf("introspection by an old API = %v, want active", res)
		}
	}
}

// An unknown resource is refused. Only the log names it, the nearest registered resource
// and the part that differs. The same holds for scopes.
func TestToken_FR_24_FR_23_LogNamesTheNearestResourceAndScope(t *testing.T) {
	for name, tt := range map[string]struct {
		code  string
		asked []string
		log   []string
	}{
		"a trailing slash":  {"invalid_target", []string{"resource", "https://mcp.example.com/v1/"}, []string{"https://mcp.example.com/v1/", `the nearest registered value is "https://mcp.example.com/v1"`, "differs in the trailing slash"}},
		"a query":           {"invalid_target", []string{"resource", "https://mcp.example.com/v1?x=1"}, []string{`the nearest registered value is "https://mcp.example.com/v1"`, "differs in the query"}},
		"a port":            {"invalid_target", []string{"resource", "https://mcp.example.com:8443/v1"}, []string{"differs in the port"}},
		"http":              {"invalid_target", []string{"resource", "http://mcp.example.com/v1"}, []string{"differs in the scheme"}},
		"a scope's case":    {"invalid_scope", []string{"scope", "Read"}, []string{`the nearest registered value is "read"`, "differs in the case"}},
		"a scope":           {"invalid_scope", []string{"scope", "read wirte"}, []string{`the nearest registered value is "write"`}},
		"a client's scopes": {"invalid_scope", []string{"scope", "admin"}, []string{`the nearest registered value is "`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testkit.NewServer(t, func(c *passport.Config) {
				c.Resources = []string{"https://other.example", "https://mcp.example.com/v1"}
			})
			machine := s.Register(passport.Registration{GrantTypes: []string{"client_credentials"}, Scopes: []string{"read", "write"}})
			web := s.Register(passport.Registration{Scopes: []string{"read", "write"}})
			refused := s.Exchange(machine, append([]string{"grant_type", "client_credentials"}, tt.asked...)...).WantJSONError(400, tt.code)
			redirected := s.Browser().SignIn("alice").Authorize(web, tt.asked...).WantRedirectError(tt.code)
			for _, text := range tt.log {
				if n := strings.Count(strings.ReplaceAll(s.Log.String(), `\"`, `"`), text); n != 2 {
					t.Errorf("%d log lines have %q, want one of each endpoint: %s", n, text, s.Log)
				}
			}
			if strings.Contains(refused.Body+redirected.Target(), "nearest") {
				t.Errorf("the response contains a registered value: %s %s", refused.Body, redirected.Target())
			}
		})
	}
}

// For a refresh and for a code, the log names the nearest granted value.
func TestToken_FR_24_LogNamesTheNearestGrantedValue(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.Resources = []string{"https://one.example/v1", "https://one.example/v2"} })
	web := s.Web()
	tokens := s.GrantTokens(web, "resource", "https://one.example/v1")
	s.Refresh(web, tokens.Refresh, "resource", "https://one.example/v2").WantJSONError(400, string(oauth.InvalidTarget))
	s.WantLog(`the nearest registered value is \"https://one.example/v1\", which differs in the path`)
	s.Refresh(web, tokens.Refresh, "scope", "write").WantJSONError(400, string(oauth.InvalidScope))
	s.WantLog(`scope \"write\"; the nearest registered value is \"read\"`)
}
