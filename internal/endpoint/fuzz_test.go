package endpoint_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// For any input, the server neither panics nor reports a server error. Its responses
// follow RFC 6749 §5.2 and RFC 6750 §3.

func FuzzTokenForm(f *testing.F) {
	s, c := fuzzed(f)
	for _, body := range []string{
		"grant_type=client_credentials&client_id=" + c.ID + "&client_secret=" + c.Secret,
		"grant_type=authorization_code&code=x&client_id=" + c.ID + "&code_verifier=%C3%A9",
		"grant_type=refresh_token&refresh_token=%00&scope=read+read&resource=a&resource=b",
		"grant_type[]=x&scope[0]=y", "%zz=%", "a;b=c", "=&=", "grant_type=client_credentials&grant_type=x", "\xff=\xfe",
		"client_id=%0d%0a&client_secret=%22%5c&grant_type=urn%3Ax",
	} {
		f.Add(body, "application/x-www-form-urlencoded")
	}
	f.Add("{}", "application/json")
	f.Add("x", "multipart/form-data; boundary=\"")
	f.Fuzz(func(t *testing.T, body, contentType string) {
		r := httptest.NewRequest("POST", testkit.Issuer+"/oauth/token", strings.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		wantSound(t, s, r)
	})
}

func FuzzBasicHeader(f *testing.F) {
	s, c := fuzzed(f)
	for _, header := range []string{
		testkit.Basic(c.ID, c.Secret), testkit.Basic(c.ID, ""), "Basic", "basic  ", "Basic %%%", testkit.RawBasic("a:b:c"), testkit.RawBasic("%zz:%"), testkit.RawBasic("\x00:\r\n"), testkit.RawBasic("é:\xff"), "Bearer x", "Basic " + strings.Repeat("A", 9000), "",
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("POST", testkit.Issuer+"/oauth/token", strings.NewReader("grant_type=client_credentials&scope=read"))
		r.Header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
		r.Header["Authorization"] = []string{header}
		wantSound(t, s, r)
	})
}

func FuzzBearer(f *testing.F) {
	s, c := fuzzed(f)
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", testkit.Issuer+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", testkit.Basic(c.ID, c.Secret))
	s.ServeHTTP(w, r)
	token := testkit.AccessIn(w.Body.String())
	for _, header := range []string{"Bearer " + token, "Bearer", "bearer  ", "Bearer a.b.c", "Bearer ...", "Bearer " + token + "=", "Basic x", "Bearer " + strings.ToUpper(token), "Bearer eyJhbGciOiJub25lIn0.e30.", "", "Bearer \x00"} {
		f.Add(header)
	}
	api := s.GuardAny()(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "https://api.example.com/", nil)
		r.Header["Authorization"] = []string{header}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		challenge := w.Header().Get("WWW-Authenticate")
		switch {
		case w.Code == http.StatusOK && !strings.Contains(header, token):
			t.Errorf("the guard admits %q", header)
		case w.Code >= 500:
			t.Errorf("the response to %q has the status %d", header, w.Code)
		case w.Code != http.StatusOK && (!strings.HasPrefix(challenge, "Bearer ") || strings.Count(challenge, `"`)%2 != 0 || strings.ContainsAny(challenge, "\r\n\x00")):
			t.Errorf("the challenge for %q is %q", header, challenge)
		}
	})
}

// fuzzed returns a server that discards its log, and a client for client_credentials.
func fuzzed(f *testing.F) (*passport.Server, *testkit.Client) {
	f.Helper()
	s, err := passport.New(testkit.PlainConfig(f))
	if err != nil {
		f.Fatal(err)
	}
	made, err := s.CreateClient(f.Context(), passport.Registration{Name: "fuzz", GrantTypes: []string{"client_credentials"}})
	if err != nil {
		f.Fatal(err)
	}
	return s, &testkit.Client{Client: made.Client, Secret: made.Secret}
}

// wantSound serves a request. It fails for a server error and for a response that
// violates RFC 6749 §5.
func wantSound(t *testing.T, s *passport.Server, r *http.Request) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	a := &testkit.Response{T: t, Status: w.Code, Header: w.Header(), Body: w.Body.String()}
	if w.Code == http.StatusOK {
		a.Tokens()
		return
	}
	if w.Code >= 500 || !utf8.ValidString(a.Body) {
		t.Errorf("response = %d %q", w.Code, a.Body)
		return
	}
	if code, _ := a.JSON()["error"].(string); oauth.ErrorCode(code).Status() >= 500 || code == "" {
		t.Errorf("response = %d with the error %q", w.Code, code)
	}
	if strings.ContainsFunc(a.Description(), func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		t.Errorf("error_description %q has a character that RFC 6749 §5.2 does not allow", a.Description())
	}
}
