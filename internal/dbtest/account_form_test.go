package dbtest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
)

// form returns a POST of a raw form, from a page of the same site.
func (v *visitor) form(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func sqliteSite(t *testing.T, issuer string) *site {
	t.Helper()
	return newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, issuer)
}

// TestNeverRepeat_B15_ReturnTo: after sign-in the browser stays on this host (authelia
// CVE-2021-29456).
func TestNeverRepeat_B15_ReturnTo(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	s.ada()
	for _, to := range []string{
		"https://evil.example/", "//evil.example/", `/\evil.example/`, `\/evil.example`, "/%2F/evil.example", "/%5cevil.example",
		"/\t/evil.example", "http:evil.example", "javascript:alert(1)", "evil.example", "",
	} {
		v := s.visitor("192.0.2.1")
		if page := v.get("/sign-in?return_to=" + url.QueryEscape(to)).Body.String(); strings.Contains(page, "evil") || strings.Contains(page, "alert(1)") {
			t.Errorf("the form contains the return_to %q", to)
		}
		for _, path := range []string{"/sign-in", "/sign-out"} {
			w := v.post(path, url.Values{"email": {"ada@example.com"}, "password": {adasPassword}, "return_to": {to}})
			if got := w.Header().Get("Location"); path == "/sign-in" && got != "/" || path == "/sign-out" && got != "" {
				t.Errorf("POST %s with return_to %q redirects to %q", path, to, got)
			}
		}
	}
	v := s.visitor("192.0.2.1")
	w := v.send(v.form("/sign-in", "email=ada%40example.com&password="+url.QueryEscape(adasPassword)+"&return_to=%2Fa&return_to=%2Fb"))
	if w.Code != http.StatusBadRequest {
		t.Errorf("return_to twice: status %d, want 400", w.Code)
	}
}

// An invalid form changes nothing, and is not a server error.
func TestAccount_BadForms(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	s.ada()
	good := "email=ada%40example.com&password=" + url.QueryEscape(adasPassword)
	for name, test := range map[string]struct{ media, body string }{
		"JSON":               {"application/json", `{"email":"ada@example.com"}`},
		"multipart":          {"multipart/form-data; boundary=x", "--x--"},
		"no type":            {"", good},
		"repeated field":     {"application/x-www-form-urlencoded", good + "&email=bob%40example.com"},
		"bad encoding":       {"application/x-www-form-urlencoded", good + "&return_to=%zz"},
		"invalid UTF-8":      {"application/x-www-form-urlencoded", "email=%ff&password=x"},
		"NUL":                {"application/x-www-form-urlencoded", "email=ada%00&password=x"},
		"larger than a form": {"application/x-www-form-urlencoded", good + "&x=" + strings.Repeat("x", 10<<20)},
	} {
		for _, path := range []string{"/sign-in", "/sign-out"} {
			v := s.visitor("192.0.2.1")
			r := v.form(path, test.body)
			r.Header.Set("Content-Type", test.media)
			w := v.send(r)
			if w.Code != http.StatusBadRequest || len(v.last) != 0 {
				t.Errorf("%s to %s: status %d, cookies %v; want 400 and none", name, path, w.Code, v.last)
			}
		}
	}
	for name, form := range map[string]url.Values{
		"a long address":     {"email": {strings.Repeat("a", 5000) + "@example.com"}, "password": {"x"}},
		"a long password":    {"email": {"ada@example.com"}, "password": {strings.Repeat("x", 50_000)}},
		"control characters": {"email": {"ada@example.com\r\nBcc: x"}, "password": {"\x1b[0m"}},
		"an invalid address": {"email": {"' OR 1=1 --"}, "password": {"x"}},
	} {
		if w := s.visitor("192.0.2.2").post("/sign-in", form); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d, want 422 as for a wrong password", name, w.Code)
		}
	}
	for _, form := range []url.Values{{}, {"email": {"ada@example.com"}}, {"password": {"x"}}, {"email": {"  "}, "password": {"x"}}} {
		w := s.visitor("192.0.2.3").post("/sign-in", form)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "Enter your ") {
			t.Errorf("form %v: status %d, want 422 and a message about the empty field", form, w.Code)
		}
	}
}

var hiddenToken = regexp.MustCompile(`name="form_token" value="([A-Z2-7]{52})"`)

// Over plain http outside loopback, a browser sends only "Origin: null", for our forms
// and for a form of another site. So the form's token must match the browser's cookie.
func TestAccount_ForeignFormsOverPlainHTTP(t *testing.T) {
	s := sqliteSite(t, "http://intranet.example")
	ada := s.ada()
	post := func(v *visitor, token string) int {
		r := v.form("/sign-in", url.Values{"email": {"ada@example.com"}, "password": {adasPassword}, "form_token": {token}}.Encode())
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Set("Origin", "null")
		return v.send(r).Code
	}
	attacker := s.visitor("192.0.2.66")
	stolen := hiddenToken.FindStringSubmatch(attacker.get("/sign-in").Body.String())
	if stolen == nil {
		t.Fatal("the form has no token")
	}
	for name, token := range map[string]string{"no token": "", "another browser's token": stolen[1]} {
		for _, v := range []*visitor{s.visitor("192.0.2.1"), withForm(s)} {
			if got := post(v, token); got != http.StatusForbidden {
				t.Errorf("%s: status %d, want 403", name, got)
			}
			v.mustBeSignedOut(name)
		}
	}
	v := s.visitor("192.0.2.1")
	token := hiddenToken.FindStringSubmatch(v.get("/sign-in").Body.String())
	v.get("/sign-in") // another tab
	if got := post(v, token[1]); got != http.StatusSeeOther {
		t.Errorf("the form of our page: status %d, want 303", got)
	}
	v.mustBe(ada)
}

// withForm returns a browser that has the sign-in form open.
func withForm(s *site) *visitor {
	v := s.visitor("192.0.2.1")
	v.get("/sign-in")
	return v
}

// Text from other people is inert on our pages.
func TestAccount_UI_04_TextOnPages(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	v := s.visitor("192.0.2.1")
	w := v.post("/sign-in", url.Values{"email": {`"><script>alert(1)</script>` + "\u202E"}, "password": {`"><b>`}, "return_to": {`/"><script>`}})
	if body := w.Body.String(); strings.Contains(body, "<script") || strings.Contains(body, "\u202E") || strings.Contains(body, "<b>") {
		t.Errorf("the page contains markup or invisible characters of the request:\n%s", body)
	}
}

// Links and cookies follow the issuer, whatever Host the request has.
func TestAccount_OP_01_IssuerDecides(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com/base")
	ada, v := s.ada(), s.visitor("192.0.2.1")
	r := httptest.NewRequest(http.MethodGet, "http://evil.example/base/sign-in?return_to=%2Fx", nil)
	r.Header.Set("X-Forwarded-Host", "evil.example")
	r.Header.Set("X-Forwarded-Proto", "http")
	if body := v.send(r).Body.String(); strings.Contains(body, "evil") || !strings.Contains(body, `action="/base/sign-in"`) {
		t.Errorf("the page follows the Host header:\n%s", body)
	}
	if got, want := s.SignInURL(r, "/oauth/authorize?a=b&c=d"), "https://app.example.com/base/sign-in?return_to=%2Foauth%2Fauthorize%3Fa%3Db%26c%3Dd"; got != want {
		t.Errorf("SignInURL() = %q, want %q", got, want)
	}
	w := v.post("/base/sign-in", url.Values{"email": {"ada@example.com"}, "password": {adasPassword}})
	if got := w.Header().Get("Location"); got != "/base/" {
		t.Errorf("sign-in without a return address redirects to %q, want /base/", got)
	}
	v.mustBe(ada)
}

// Only the form signs out, and only with POST.
func TestAccount_SignOutPage(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	ada, v := s.ada(), s.visitor("192.0.2.1")
	if w := v.get("/sign-out"); !strings.Contains(w.Body.String(), "You are signed out") {
		t.Error("the sign-out page without a session does not say \"You are signed out\"")
	}
	v.signIn("ada@example.com", adasPassword)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		v.send(httptest.NewRequest(method, "/sign-out", nil))
		v.mustBe(ada)
	}
	if w := v.get("/sign-out?return_to=%2Fnext"); !strings.Contains(w.Body.String(), "Ada@example.com") || !strings.Contains(w.Body.String(), `value="/next"`) {
		t.Error("the sign-out page lacks the signed-in user or the return address")
	}
	w := v.post("/sign-out", url.Values{"return_to": {"/next"}})
	if got := w.Header().Get("Clear-Site-Data"); got != `"cache"` { // so that the back button shows no page of the account
		t.Errorf("the sign-out has Clear-Site-Data %q, want \"cache\"", got)
	}
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/next" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("sign-out: %d to %q, want 303 to /next with no-store", w.Code, w.Header().Get("Location"))
	}
	v.mustBeSignedOut("signed out")
}

// TestNeverRepeat_B19_HalfSignedOut: if the grants of the session could not be ended,
// no page says that the user is signed out, even if it is opened again.
func TestNeverRepeat_B19_HalfSignedOut(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	ada, v := s.ada(), s.visitor("192.0.2.1")
	v.signIn("ada@example.com", adasPassword)
	id := v.mustBe(ada).SessionID
	s.ends.err = http.ErrHandlerTimeout
	if w := v.post("/sign-out", nil); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "signed out") {
		t.Errorf("failed sign-out: status %d, want 500 and a page that does not say \"signed out\"", w.Code)
	}
	v.mustBeSignedOut("the session has ended for the browser")
	if w := v.get("/sign-out"); strings.Contains(w.Body.String(), "signed out") || !strings.Contains(w.Body.String(), "try again") {
		t.Error("the page says that the user is signed out, but the session's grants are still alive")
	}
	s.ends.err = nil
	if w := v.post("/sign-out", nil); !strings.Contains(w.Body.String(), "You are signed out") {
		t.Errorf("second sign-out: status %d, want the page to say that the user is signed out", w.Code)
	}
	if got := strings.Join(s.ends.calls, ", "); got != "session "+ada.ID+" "+id+", session "+ada.ID+" "+id {
		t.Errorf("the server was notified of %q, want the session each time", got)
	}
}

// FR-27: a return address that is too long for the headers of a proxy becomes a link on
// a page.
func TestAccount_FR_27_LongReturnAddress(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	s.ada()
	for length, redirects := range map[int]bool{3 << 10: true, 3<<10 + 1: false, 30 << 10: false} {
		to := "/next?a=" + strings.Repeat("a", length-len("/next?a="))
		for path, form := range map[string]url.Values{
			"/sign-in":  {"email": {"ada@example.com"}, "password": {adasPassword}, "return_to": {to}},
			"/sign-out": {"return_to": {to}},
		} {
			w := s.visitor("192.0.2.1").post(path, form)
			if location := w.Header().Get("Location"); (location == to) != redirects || len(location) > 3<<10 {
				t.Errorf("POST %s with a return address of %d bytes: %d with a Location of %d bytes, want a redirect: %v", path, length, w.Code, len(location), redirects)
			}
			if !redirects && (w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `href="`+to+`"`)) {
				t.Errorf("POST %s with a return address of %d bytes: %d, want a page with a link to it", path, length, w.Code)
			}
		}
	}
}
