package e2e_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"testing"
)

// FR-26: a browser sends no SameSite=Lax cookies with a form of another site. The
// signed-in user gets the consent page anyway.
func TestE2E_FR_26_FormOfAnotherSite(t *testing.T) {
	s := startDemo(t)
	request, err := url.Parse(authorize(s, "demo-web", s.URL+"/demo/callback"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><title>Client</title><form method="post" action="%s/oauth/authorize">`, s.URL)
		for name, values := range request.Query() {
			fmt.Fprintf(w, `<input type="hidden" name="%s" value="%s">`, name, html.EscapeString(values[0]))
		}
		fmt.Fprint(w, `<button>Connect</button></form>`)
	})
	port := listenAndServe(t, "tcp4", "127.0.0.1:0", mux)

	b := newPerson(t, s).tab()
	b.open(request.String())
	b.signIn(demoEmail, demoPassword)
	b.see("Allow Order Tracker to use your account?")
	b.open("http://" + clientHost + ":" + port + "/")
	b.press("Connect")
	b.see("Allow Order Tracker to use your account?")
}
