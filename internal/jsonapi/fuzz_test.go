package jsonapi_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// For any body, the response is one of the documented ones in JSON, and never a server
// error.
func FuzzJSONAPI_Bodies(f *testing.F) {
	for _, seed := range []struct{ media, body string }{
		{"application/json", `{"name":"App","redirect":"https://example.com/cb,com.example:/x%2C","confidential":false}`},
		{"application/json", `{"name":"App","redirect":"https://example.com/cb","client_uri":"https://example.com","tos_uri":null,"contacts":["a",{}],"verified":true}`},
		{"application/json", `{"name":"App","redirect":"https://a.example/cb","id_token_signed_response_alg":"RS256","default_max_age":0,"require_auth_time":true,"post_logout_redirect_uris":["https://a.example/"],"backchannel_logout_uri":"https://a.example/out","application_type":"web","request_uris":[],"subject_type":"public"}`},
		{"application/x-www-form-urlencoded", "name=App&redirect=https%3A%2F%2Fa.example&default_max_age=5&post_logout_redirect_uris[]=https://a.example/%23&backchannel_logout_session_required=1"},
		{"application/json", `{"name":["x"],"scopes":[1,null,{"a":[]}],"expires_at":"2026-13-01","_method":"PUT"}`},
		{"application/x-www-form-urlencoded", "name=App&redirect=https%3A%2F%2Fexample.com&confidential=0&scopes[]=read&scopes[x=1&[=2&_method=delete"},
		{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nApp\r\n--x--\r\n"},
	} {
		f.Add(seed.media, seed.body)
	}
	f.Fuzz(func(t *testing.T, media, body string) {
		s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
		b := s.Browser().SignIn("alice")
		for _, path := range []string{"/oauth/clients", personalPath} {
			r := httptest.NewRequest("POST", testkit.Issuer+path, strings.NewReader(body))
			r.Header.Set("Content-Type", media)
			switch a := b.Sent(r); a.Status {
			case 200, 201:
				if _, shown := a.JSON()["id"]; !shown && a.JSON()["accessToken"] == nil {
					t.Errorf("POST %s = %s, want an ID or a token", path, a.Body)
				}
			case 400, 405, 413, 422:
				if message, ok := a.JSON()["message"].(string); !ok || message == "" {
					t.Errorf("POST %s = %d %s", path, a.Status, a.Body)
				}
			default:
				t.Errorf("POST %s = %d %s", path, a.Status, a.Body)
			}
		}
		for _, path := range []string{"/oauth/clients", personalPath} {
			b.Ask("GET", path).List()
		}
	})
}
