package docstest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// symptoms reproduce the sections of docs/troubleshooting.md, by heading. Each logs the
// lines that the section shows.
var symptoms = map[string]func(t *testing.T, log *testkit.LockedBuffer){
	"I get invalid_client": func(t *testing.T, log *testkit.LockedBuffer) {
		s := troubled(t, log)
		s.Send("grant_type=client_credentials", "Authorization", testkit.Basic("order-trakcer", "x"))
		web := s.Register(passport.Registration{ID: "order-tracker"})
		s.Send("grant_type=client_credentials", "Authorization", testkit.Basic(web.ID, "x"))
		s.Send("grant_type=authorization_code&client_id=" + web.ID)
		phone := s.Register(passport.Registration{ID: "phone", AuthMethod: oauth.AuthNone})
		s.Send("grant_type=authorization_code", "Authorization", testkit.Basic(phone.ID, "x"))
		s.Suspend(web)
		s.Send("grant_type=client_credentials", "Authorization", testkit.Basic(web.ID, web.Secret))
	},
	"redirect_uri is not registered": func(t *testing.T, log *testkit.LockedBuffer) {
		s := troubled(t, log)
		c := s.Register(passport.Registration{ID: "order-tracker", RedirectURIs: []string{"https://tracker.example.com/callback"}})
		s.Browser().SignIn("alice").Authorize(c, "redirect_uri", "https://tracker.example.com/callback/").WantStatus(http.StatusBadRequest)
	},
	"invalid_grant when the code is exchanged": func(t *testing.T, log *testkit.LockedBuffer) {
		s := troubled(t, log)
		c := s.Register(passport.Registration{ID: "order-tracker", RedirectURIs: []string{"https://tracker.example.com/callback"}})
		form := testkit.Set(url.Values{}, c.CodeForm(s.Code(c))...)
		wrong := func(name, value string) {
			s.Exchange(c, "grant_type", "authorization_code", "code", form.Get("code"), "redirect_uri", form.Get("redirect_uri"), "code_verifier", form.Get("code_verifier"), name, value).WantJSONError(http.StatusBadRequest, "invalid_grant")
		}
		wrong("code_verifier", strings.Repeat("x", 43))
		wrong("redirect_uri", "https://tracker.example.com/")
		s.Redeem(c, form.Get("code"))
		wrong("code", form.Get("code"))
	},
	"invalid_grant after a refresh": func(t *testing.T, log *testkit.LockedBuffer) {
		s := troubled(t, log, func(c *passport.Config) { c.RefreshTokenGrace = -1 })
		c := s.Register(passport.Registration{ID: "order-tracker"})
		tokens := s.GrantTokens(c)
		s.Refresh(c, tokens.Refresh).WantStatus(http.StatusOK)
		s.Refresh(c, tokens.Refresh).WantJSONError(http.StatusBadRequest, "invalid_grant")
	},
	"The browser is sent to the sign-in page again and again": func(t *testing.T, log *testkit.LockedBuffer) {
		s := troubled(t, log)
		s.Browser().Authorize(s.Register(passport.Registration{ID: "order-tracker"})).ComeBack()
	},
	"The consent page is refused or has expired": func(t *testing.T, log *testkit.LockedBuffer) {
		s := troubled(t, log)
		c := s.Register(passport.Registration{ID: "order-tracker"})
		b := s.Browser().SignIn("alice")
		page := b.Authorize(c)
		form := url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}
		b.Send(b.NewRequest("POST", s.AuthorizePath(), form.Encode(), http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://www.example.com"}})).WantStatus(http.StatusForbidden)
		b.At(s.Restart(func(c *passport.Config) { c.Keys = testkit.NewKeys(t) })).Post(s.AuthorizePath(), form).WantStatus(http.StatusBadRequest)
	},
	"prompt=login fails with login_required": func(t *testing.T, log *testkit.LockedBuffer) {
		s := troubled(t, log)
		c := s.Register(passport.Registration{ID: "order-tracker"})
		b := s.Browser().SignIn("alice")
		page := b.Authorize(c, "prompt", "login")
		b.SignIn("alice")
		s.Users.With(func() { s.Users.Sessions[b.Session()].AuthenticatedAt = time.Time{} })
		b.Get(page.ReturnTo())
	},
	"401 at my API": func(t *testing.T, log *testkit.LockedBuffer) {
		s := troubled(t, log, func(c *passport.Config) { c.Resources = []string{"https://reports.example.com"} })
		c := s.Register(passport.Registration{ID: "order-tracker"})
		s.Call(s.Guard()).WantStatus(http.StatusUnauthorized)
		tokens := s.GrantTokens(c)
		other := s.Restart(func(c *passport.Config) { c.Issuer = "https://auth.example.com/v2" })
		other.Call(other.Guard(), "Authorization", "Bearer "+tokens.Access)
		other = s.Restart(func(c *passport.Config) { c.Keys = testkit.NewKeys(t) })
		other.Call(other.Guard(), "Authorization", "Bearer "+tokens.Access)
		reports := s.Redeem(c, s.Code(c, "resource", "https://reports.example.com"))
		s.Call(s.Guard(), "Authorization", "Bearer "+reports.Access)
		s.Works(s.RevokeUser(t.Context(), testkit.Ref("alice")))
		s.Call(s.Guard(), "Authorization", "Bearer "+tokens.Access)
	},
	"403 at my API": func(t *testing.T, log *testkit.LockedBuffer) {
		s := troubled(t, log)
		robot := s.Register(passport.Registration{ID: "stock-robot", GrantTypes: []string{"client_credentials"}})
		machine := "Bearer " + s.MachineToken(robot)
		s.Call(s.Guard(), "Authorization", machine).WantStatus(http.StatusForbidden)
		tracker := s.Register(passport.Registration{ID: "order-tracker"})
		user := "Bearer " + s.GrantTokens(tracker).Access
		s.Call(s.GuardClient(), "Authorization", user).WantStatus(http.StatusForbidden)
		s.Call(s.Guard(guard.Scopes("orders:read")), "Authorization", user).WantStatus(http.StatusForbidden)
	},
	"invalid_scope": func(t *testing.T, log *testkit.LockedBuffer) {
		s := troubled(t, log)
		robot := s.Register(passport.Registration{ID: "stock-robot", GrantTypes: []string{"client_credentials"}})
		s.Exchange(robot, "grant_type", "client_credentials", "scope", "raed")
	},
	"429 too many failed attempts": func(t *testing.T, log *testkit.LockedBuffer) {
		s := troubled(t, log)
		s.SendFrom("10.0.0.7", "grant_type=client_credentials", "X-Forwarded-For", "203.0.113.9")
		robot := s.Register(passport.Registration{ID: "stock-robot", GrantTypes: []string{"client_credentials"}})
		for range 12 {
			s.MachineFrom("10.0.0.7", robot, "wrong")
		}
	},
	"404 or 405 on an endpoint": func(t *testing.T, log *testkit.LockedBuffer) {
		s := troubled(t, log)
		s.Do(httptest.NewRequest("POST", testkit.Issuer+"/oauth/token/", nil)).WantStatus(http.StatusNotFound)
	},
	"503 temporarily_unavailable": func(t *testing.T, log *testkit.LockedBuffer) {
		s, store := testkit.Watched(t, withLog(log))
		store.Failing("Client", testkit.ErrOutOfReach)
		s.Send("grant_type=client_credentials", "Authorization", testkit.Basic("stock-robot", "x")).WantStatus(http.StatusServiceUnavailable)
	},
}

func withLog(log *testkit.LockedBuffer) func(*passport.Config) {
	return func(c *passport.Config) { c.Logger = testkit.TextLog(log) }
}

// troubled returns a server that logs lines of text.
func troubled(t *testing.T, log *testkit.LockedBuffer, change ...func(*passport.Config)) *testkit.Server {
	t.Helper()
	return testkit.NewServer(t, append(change, withLog(log))...)
}

// shown returns a pattern for a line of the page, where … stands for any text.
func shown(line string) *regexp.Regexp {
	var pattern strings.Builder
	for i, part := range strings.Split(line, "…") {
		if i > 0 {
			pattern.WriteString(".*")
		}
		pattern.WriteString(regexp.QuoteMeta(strings.TrimSpace(part)))
	}
	return regexp.MustCompile(pattern.String())
}

// For each symptom, the server writes the log lines that docs/troubleshooting.md shows.
func TestTroubleshootingShowsTheLog_PG_12(t *testing.T) {
	text := read(t, top+"/docs/troubleshooting.md")
	sections := map[string]string{}
	for _, section := range strings.Split(text, "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		sections[title] = body
		if lines := logLines(body); len(lines) > 0 && symptoms[title] == nil {
			t.Errorf("docs/troubleshooting.md shows log lines for %q, and no symptom here produces them", title)
		}
	}
	for title, reproduce := range symptoms {
		t.Run(title, func(t *testing.T) {
			log := new(testkit.LockedBuffer)
			reproduce(t, log)
			lines := logLines(sections[title])
			if len(lines) == 0 {
				t.Errorf("docs/troubleshooting.md has no section %q with a log line; the log is\n%s", title, log)
			}
			for _, line := range lines {
				if !shown(line).MatchString(log.String()) {
					t.Errorf("docs/troubleshooting.md shows the log line\n%s\nbut the log is\n%s", line, log)
				}
			}
		})
	}
}

// logLines returns the log lines that a section shows.
func logLines(section string) (lines []string) {
	p := page{text: section}
	for _, block := range p.blocks("") {
		for line := range strings.Lines(block) {
			if strings.Contains(line, "msg=") || strings.Contains(line, "err=") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	return lines
}
