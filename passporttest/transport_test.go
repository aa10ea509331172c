package passporttest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/passporttest"
)

// echo responds with the server's view of a request.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	cookie := ""
	if c, err := r.Cookie("seen"); err == nil {
		cookie = c.Value
	}
	http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes", Path: "/", Secure: true})
	fmt.Fprintf(w, "%s %s host=%s url=%s tls=%t remote=%s cookie=%s body=%s", r.Method, r.RequestURI, r.Host, r.URL, r.TLS != nil, r.RemoteAddr, cookie, body)
})

func TestHTTPClient_SendsWhatAServerReceives(t *testing.T) {
	auth := passporttest.NewServer(t, passport.Config{})
	auth.Serve(echo)
	browser := auth.HTTPClient()
	const here = "host=app.test url=/a%20b/%2F?q=1 tls=true remote=192.0.2.1:1234"
	wantGet(t, browser, "/a%20b/%2F?q=1", http.StatusOK, "GET /a%20b/%2F?q=1 "+here+" cookie= body=")
	wantGet(t, browser, "https://app.test/a%20b/%2F?q=1", http.StatusOK, here+" cookie=yes body=")
	wantGet(t, auth.HTTPClient(), "/a%20b/%2F?q=1", http.StatusOK, here+" cookie= body=")
	wantGet(t, browser, "https://app.test", http.StatusOK, "GET / host=app.test url=/ ")

	res, err := browser.PostForm("/form", url.Values{"a": {"b"}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); !strings.Contains(string(body), "cookie=yes body=a=b") || res.Request.URL.String() != "https://app.test/form" {
		t.Errorf("the response to a form = %s from %s, want its cookie and body", body, res.Request.URL)
	}
}

func TestHTTPClient_PlainHTTP(t *testing.T) {
	auth := passporttest.NewServer(t, passport.Config{Issuer: "http://127.0.0.1:8080"})
	auth.Serve(echo)
	wantGet(t, auth.HTTPClient(), "/", http.StatusOK, "host=127.0.0.1:8080 url=/ tls=false")
}

func TestHTTPClient_StaysAtTheIssuer(t *testing.T) {
	auth := passporttest.NewServer(t, passport.Config{})
	auth.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusSeeOther)
	}))
	if _, err := auth.HTTPClient().Get("https://elsewhere.example.com/"); err == nil || !strings.Contains(err.Error(), "is not served here") {
		t.Errorf("Get() of another host = %v, want an error about the host", err)
	}
	res, err := auth.HTTPClient().Get("/?to=https://client.test/callback")
	if err != nil || res.Header.Get("Location") != "https://client.test/callback" {
		t.Errorf("Get() with a redirect to another host = %v, %v, want the redirect itself", res, err)
	}
	auth.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) }))
	if _, err := auth.HTTPClient().Get("/"); err == nil || errors.Is(err, http.ErrUseLastResponse) {
		t.Errorf("Get() with an endless redirect = %v, want an error", err)
	}
}

func TestHTTPClient_FollowsRedirectsAtTheIssuer(t *testing.T) {
	auth := passporttest.NewServer(t, passport.Config{})
	mux := http.NewServeMux()
	mux.Handle("/a", http.RedirectHandler("https://app.test/b", http.StatusSeeOther))
	mux.Handle("/b", http.RedirectHandler("c?q=1", http.StatusSeeOther))
	mux.Handle("/c", echo)
	auth.Serve(mux)
	wantGet(t, auth.HTTPClient(), "/a", http.StatusOK, "GET /c?q=1 host=app.test")
}

// The handler gets the request's context.
func TestActingAs_WorksForHTTPClients(t *testing.T) {
	auth := newAPI(t, passport.Config{})
	r, err := http.NewRequestWithContext(t.Context(), "GET", "/api/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := auth.HTTPClient().Do(passporttest.ActingAs(r, ada, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("response %s, want 200", res.Status)
	}
}

func TestSignedIn_SeesTheConsentPage(t *testing.T) {
	auth := newAPI(t, passport.Config{})
	client := auth.NewClient(passport.Registration{Name: "Order Tracker"})
	address := "/oauth/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {client.ID}, "redirect_uri": {client.RedirectURIs[0]}, "scope": {"orders"},
	}.Encode()
	wantGet(t, auth.SignedIn(auth.User("42")), address, http.StatusOK, "User 42")

	stranger := auth.HTTPClient()
	stranger.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := stranger.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(res.Header.Get("Location"), "/login?return_to=") {
		t.Errorf("a browser without a signed-in user is redirected to %q, want the sign-in page", res.Header.Get("Location"))
	}
}

func TestSignedIn_NeverRepeat_E11_OnlyAtItsProvider(t *testing.T) {
	staff := passport.UserFuncs{
		Current: func(*http.Request) (*passport.User, error) { return nil, oauth.ErrNotFound }, ByID: noUser, SignInPage: "/staff",
	}
	auth := passporttest.NewServer(t, passport.Config{Providers: map[string]passport.UserProvider{"staff": staff}})
	client := auth.NewClient(passport.Registration{Provider: "staff"})
	address := "/oauth/authorize?response_type=code&prompt=none&client_id=" + client.ID
	for name, browser := range map[string]*http.Client{
		"login_required":   auth.SignedIn(auth.User("42")),
		"consent_required": auth.SignedInUserOf("staff", auth.User("42")),
	} {
		res, err := browser.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		if location := res.Header.Get("Location"); !strings.Contains(location, "error="+name) {
			t.Errorf("a request of a client for staff is redirected to %q, want %s", location, name)
		}
	}
}

// The application's pages get their cookie, and their scripts use the API with
// it.
func TestSignedIn_ScriptsOfOwnPages(t *testing.T) {
	auth := passporttest.NewServer(t, passport.Config{Scopes: scopes})
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", auth.FreshToken(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a page") })))
	mux.Handle("GET /api/orders", auth.Guard(guard.Scopes("orders"))(whoami))
	auth.Serve(mux)
	browser := auth.SignedIn(auth.AddUser(ada))
	wantGet(t, browser, "/api/orders", http.StatusUnauthorized, "")
	wantGet(t, browser, "/", http.StatusOK, "a page")

	r, err := http.NewRequestWithContext(t.Context(), "GET", "/api/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range browser.Jar.Cookies(r.URL) {
		if cookie.Name == "XSRF-TOKEN" {
			r.Header.Set("X-XSRF-TOKEN", cookie.Value)
		}
	}
	res, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || !strings.Contains(string(body), "Ada Lovelace") {
		t.Errorf("response to the script = %s %s, want 200 and the user's name", res.Status, body)
	}
}
