package oauth_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/oauth"
)

func TestClient_Validate(t *testing.T) {
	for audience, want := range map[string]bool{
		"":                              true, // no API
		"https://api.example.com":       true,
		"http://127.0.0.1:8080/v1?a=b":  true,
		"urn:example:api":               true,
		"https://api.example.com/héllo": true,
		"https://api.example.com/" + strings.Repeat("a", oauth.MaxAudience-24): true,
		"https://api.example.com/" + strings.Repeat("a", oauth.MaxAudience-23): false,
		"api.example.com":                  false,
		"/v1":                              false,
		"//api.example.com":                false,
		" ":                                false,
		"https://api.example.com/#":        false,
		"https://api.example.com/#v1":      false,
		"https://a.example https://b.test": false,
		"https://api.example.com/\n":       false,
		"https://api.example.com/\x00":     false,
		"https://api.example.com/\u0085":   false,
		"https://api.example.com/\u2028":   false,
		"https://api.example.com/\xff":     false,
		"https://api.example.com/%zz":      false,
	} {
		err := (&oauth.Client{ID: "api", Audience: audience}).Validate()
		if (err == nil) != want {
			t.Errorf("Validate() with the audience %.50q (%d bytes) = %v, want it valid: %v", audience, len(audience), err, want)
		}
		if err != nil && (len(err.Error()) > 200 || !strings.Contains(err.Error(), "absolute URI")) {
			t.Errorf("Validate() = %.300q, want a short error that says what an audience is", err.Error())
		}
	}
}

func TestClient_FR_30_ValidateOrigins(t *testing.T) {
	many := make([]string, oauth.MaxOrigins+1)
	for i := range many {
		many[i] = "tauri://localhost"
	}
	for name, tt := range map[string]struct {
		origins []string
		want    bool
	}{
		"none": {nil, true}, "empty": {[]string{}, true}, "two": {[]string{"tauri://localhost", "https://app.example.com:8443"}, true}, "the most": {many[1:], true},
		"too many": {many, false}, "an empty one": {[]string{""}, false}, "two in one": {[]string{"https://a.example https://b.example"}, false},
		"null": {[]string{"null"}, false}, "a NUL": {[]string{"tauri://a\x00"}, false}, "not UTF-8": {[]string{"tauri://\xff"}, false}, "long": {[]string{"tauri://" + strings.Repeat("a", 300)}, false},
	} {
		if err := (&oauth.Client{ID: "c", AllowedOrigins: tt.origins}).Validate(); (err == nil) != tt.want {
			t.Errorf("%s: Validate() = %v, want it valid: %v", name, err, tt.want)
		}
	}
}
