package dbtest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/oauth"
)

// FR-26, FR-34: the sign-in page lets a signed-in user continue or use another account,
// unless the request asks for a new sign-in.
func TestAccount_FR_26_FR_34_OI_29_ContinueAs(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	ada, v := s.ada(), s.visitor("192.0.2.1")
	const to = "/oauth/authorize?passport_sign_in=abc.d-e_f"
	page := func(request oauth.SignInRequest) string {
		r := httptest.NewRequest(http.MethodGet, "/oauth/authorize", nil)
		u, err := url.Parse(s.SignInURL(r.WithContext(oauth.WithSignInRequest(r.Context(), request)), to))
		if err != nil {
			t.Fatal(err)
		}
		return v.get(u.RequestURI()).Body.String()
	}
	if body := page(oauth.SignInRequest{SelectAccount: true}); !strings.Contains(body, `type="password"`) {
		t.Error("the sign-in page without a session has no password form, want one")
	}
	v.signIn("ada@example.com", adasPassword)
	for _, request := range []oauth.SignInRequest{{}, {SelectAccount: true}} {
		body := page(request)
		if !strings.Contains(body, "Continue as Ada") || !strings.Contains(body, `href="`+to+`"`) || strings.Contains(body, `type="password"`) {
			t.Errorf("with a session, for %+v: want a Continue link to the request and no password form:\n%s", request, body)
		}
		_, another, _ := strings.Cut(body, `<a class="button" href="`)
		another, _, _ = strings.Cut(another, `"`)
		form := v.get(strings.ReplaceAll(another, "&amp;", "&")).Body.String()
		if !strings.Contains(form, `type="password"`) || strings.Contains(form, "ada@example.com") || !strings.Contains(form, `value="`+to+`"`) {
			t.Errorf("Use another account (%s): want an empty form that returns to the request:\n%s", another, form)
		}
		v.mustBe(ada) // opening a page signs no user out
	}
	for _, request := range []oauth.SignInRequest{{Again: true}, {Again: true, SelectAccount: true}} {
		if body := page(request); !strings.Contains(body, `type="password"`) || strings.Contains(body, "Continue as") {
			t.Errorf("for %+v: want the password form:\n%s", request, body)
		}
	}
	// OI-29: continuing would be an error, and the address of the user is not the expected one.
	body := page(oauth.SignInRequest{OtherUser: true, Again: true})
	if !strings.Contains(body, `type="password"`) || strings.Contains(body, "Continue as") || strings.Contains(body, `value="ada@example.com"`) || !strings.Contains(body, "The app knows you by another account.") {
		t.Errorf("if the client expects another user: want an empty form that says so:\n%s", body)
	}
	if body := v.get("/sign-in?return_to=" + url.QueryEscape("//evil.example")).Body.String(); strings.Contains(body, "evil") || strings.Contains(body, "Continue as") {
		t.Errorf("the page contains a return address on another host:\n%s", body)
	}
}
