package e2e_test

import (
	"html/template"
	"net/http"
	"path/filepath"
	"testing"
)

// A page with oidc-client-ts, at another port of the server's host, signs a user in,
// refreshes the tokens, and signs the user out.
func TestClients_OIDCClientTS_OI_89_LO_13_Browser(t *testing.T) {
	t.Parallel()
	s := startProvider(t)
	page, c := startPage(t, s, "--public")
	ada := s.subjectOf(t, userEmail) + " " + userName + " " + userEmail

	b := newPerson(t, s).tab()
	b.open(page + "/?client_id=" + c.ID)
	b.see("ready")
	b.press("Enter")
	b.signIn(userEmail, userPassword)
	b.press("Allow")
	b.see("signed in: " + ada)
	b.press("Refresh")
	b.see("refreshed: " + ada)
	b.press("Renew") // any program on this machine could have the redirect URI of a public client
	b.see("failed: ErrorResponse", "consent_required")
	b.press("Leave")
	b.see("signed out")
	b.open(s.URL + "/account")
	b.see("Sign in to")
	b.clean()
}

// The hidden frame of oidc-client-ts renews a sign-in without a page. The client has a
// secret, because a public client of this machine is always asked for consent.
func TestClients_OIDCClientTS_XB19_SilentRenewal(t *testing.T) {
	t.Parallel()
	s := startProvider(t)
	page, c := startPage(t, s)
	ada := s.subjectOf(t, userEmail) + " " + userName + " " + userEmail
	b := newPerson(t, s).tab()
	b.open(page + "/?client_id=" + c.ID + "&client_secret=" + c.Secret)
	b.press("Enter")
	b.signIn(userEmail, userPassword)
	b.press("Allow")
	b.see("signed in: " + ada)
	b.press("Renew")
	b.see("renewed: " + ada)
	b.clean()
}

// startPage serves the page, and registers it as a client.
func startPage(t *testing.T, s *server, options ...string) (origin string, c client) {
	t.Helper()
	requireNode(t, "oidc-client-ts")
	page := template.Must(template.ParseFiles(filepath.Join("testdata", "oidc-client-ts.html")))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		if err := page.Execute(w, s.URL); err != nil {
			t.Errorf("write the page: %v", err)
		}
	})
	mux.HandleFunc("GET /oidc-client-ts.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join("node_modules", "oidc-client-ts", "dist", "browser", "oidc-client-ts.min.js"))
	})
	origin = "http://127.0.0.1:" + listenAndServe(t, "tcp4", "127.0.0.1:0", mux)
	return origin, s.client(t, append(options, "--name", "Wiki", "--redirect-uri", origin+"/callback", "--redirect-uri", origin+"/silent",
		"--post-logout-redirect-uri", origin+"/goodbye")...)
}
