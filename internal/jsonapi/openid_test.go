package jsonapi_test

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// settings are the settings for OpenID Connect that an owner may change.
func settings() map[string]any {
	return map[string]any{
		"id_token_signed_response_alg": "ES256", "default_max_age": 3600.0, "require_auth_time": true,
		"post_logout_redirect_uris": []any{"https://wiki.example/bye", "http://localhost:3000/"},
		"backchannel_logout_uri":    "https://wiki.example/out", "backchannel_logout_session_required": true,
	}
}

func TestClientsAPI_OI_170_OpenIDSettings(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	b := s.Browser().SignIn("alice")
	has := func(what string, record, want map[string]any) {
		t.Helper()
		for name := range settings() {
			if !reflect.DeepEqual(record[name], want[name]) {
				t.Errorf("%s: %s = %#v, want %#v", what, name, record[name], want[name])
			}
		}
	}
	body := settings()
	maps.Copy(body, map[string]any{"name": "Wiki", "redirect": "https://wiki.example/cb", "id_token_ttl": 5, "claims_in_id_token": true})
	created := b.Ask("POST", "/oauth/clients", body).WantStatus(201).JSON()
	has("POST", created, settings())
	id := created["id"].(string)
	c, err := s.Client(t.Context(), id)
	s.Works(err)
	if c.OpenID == nil || c.OpenID.IDTokenAlg != "ES256" || *c.OpenID.DefaultMaxAge != 3600 || c.OpenID.IDTokenTTL != 0 || c.OpenID.ClaimsInIDToken {
		t.Errorf("the stored settings are %+v, want those of the request, without the operator's own", c.OpenID)
	}
	put := func(change map[string]any) map[string]any {
		t.Helper()
		body := map[string]any{"name": "Wiki", "redirect": "https://wiki.example/cb"}
		maps.Copy(body, change)
		return b.Ask("PUT", "/oauth/clients/"+id, body).WantStatus(200).JSON()
	}
	has("PUT without settings", put(nil), settings())
	want := settings()
	want["default_max_age"], want["id_token_signed_response_alg"], want["require_auth_time"] = 0.0, nil, nil
	want["post_logout_redirect_uris"] = []any{"https://wiki.example/bye2"}
	has("PUT of some", put(map[string]any{
		"default_max_age": "0", "id_token_signed_response_alg": nil, "require_auth_time": false, "post_logout_redirect_uris": []any{"https://wiki.example/bye2"},
	}), want)
	has("PUT of null", put(map[string]any{
		"default_max_age": nil, "post_logout_redirect_uris": []any{}, "backchannel_logout_uri": "", "backchannel_logout_session_required": 0,
	}), nil)
	if c, err = s.Client(t.Context(), id); err != nil || c.OpenID != nil {
		t.Errorf("the stored settings after all were removed are %+v, %v", c.OpenID, err)
	}
	plain := b.Ask("POST", "/oauth/clients", map[string]any{"name": "App", "redirect": "https://app.example/cb"}).WantStatus(201).JSON()
	for name := range settings() {
		if _, there := plain[name]; there {
			t.Errorf("a client without settings has the field %s", name)
		}
	}
}

// A web application has no redirect URI on the user's device.
func TestClientsAPI_OI_170_ApplicationType(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	for uri, status := range map[string]int{"https://wiki.example/cb": 201, "http://127.0.0.1/cb": 422, "com.example.wiki:/cb": 422} {
		got := b.Ask("POST", "/oauth/clients", map[string]any{"name": "Wiki", "redirect": uri, "application_type": "web"})
		if got.Status != status || status == 422 && !strings.Contains(got.Body, "choose native") {
			t.Errorf("a web application with %s: %d %s, want %d", uri, got.Status, got.Body, status)
		}
		created := b.Ask("POST", "/oauth/clients", map[string]any{"name": "Wiki", "redirect": uri, "application_type": "native", "confidential": false}).WantStatus(201).JSON()
		id, _ := created["id"].(string)
		b.Ask("PUT", "/oauth/clients/"+id, map[string]any{"name": "Wiki", "redirect": uri, "application_type": "web"}).WantStatus(map[int]int{201: 200, 422: 422}[status])
	}
}

// The list is for the form of personal access tokens, which can't sign a user in.
func TestScopesAPI_OpenID(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	b := s.Browser().SignIn("alice")
	if got := b.Ask("GET", "/oauth/scopes").WantStatus(200).Body; strings.Contains(got, "openid") || !strings.Contains(got, `"read"`) {
		t.Errorf("GET /oauth/scopes = %s, want the application's own", got)
	}
	got := b.Ask("POST", personalPath, map[string]any{"name": "x", "scopes": []any{"openid"}}).WantStatus(422)
	if !strings.Contains(got.Body, "The selected scopes is invalid.") {
		t.Errorf("a personal access token with openid: %s", got.Body)
	}
}

func TestClientsAPI_OI_151_OI_170_LO_14_BL_09_WrongOpenIDSettings(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{BackchannelAllowedHosts: []string{"wiki.internal"}}))
	off := testkit.NewServer(t)
	eleven := make([]any, 11)
	for i := range eleven {
		eleven[i] = "https://wiki.example/" + strings.Repeat("x", i)
	}
	for _, tt := range []struct {
		server *testkit.Server
		field  string
		value  any
		want   string // the message; empty if the request is valid
	}{
		{s, "id_token_signed_response_alg", "none", "The id token signed response alg field can't be none"},
		{s, "id_token_signed_response_alg", "HS256", "The id token signed response alg field can't be HS256"},
		{s, "id_token_signed_response_alg", 1, "must be a string"},
		{s, "default_max_age", -1, "must be a number of seconds"},
		{s, "default_max_age", 1.5, "must be a number of seconds"},
		{s, "default_max_age", "soon", "must be a number of seconds"},
		{s, "require_auth_time", "yes", "must be true or false"},
		{s, "post_logout_redirect_uris", "https://wiki.example", "must be an array"},
		{s, "post_logout_redirect_uris", eleven, "must not have more than 10 items"},
		{s, "post_logout_redirect_uris", []any{1}, "must be a string"},
		{s, "post_logout_redirect_uris", []any{"http://wiki.example/"}, "The post logout redirect uris field has the URI"},
		{s, "post_logout_redirect_uris", []any{"https://wiki.example/#x"}, "has a fragment"},
		{s, "post_logout_redirect_uris", []any{"javascript:alert(1)"}, "has the URI"},
		{s, "backchannel_logout_uri", "http://wiki.example/", "The backchannel logout uri field"},
		{s, "backchannel_logout_uri", "https://wiki.internal/", "clients without an owner"},
		{s, "backchannel_logout_uri", "/out", "is not an https URL"},
		{s, "backchannel_logout_uri", "https://wiki.example/" + strings.Repeat("x", 3000), "must not be greater than 2048 bytes"},
		{s, "application_type", "web", ""},
		{s, "application_type", "native", ""},
		{s, "application_type", "desktop", "The application type field is neither web nor native."},
		{s, "application_type", 1, "must be a string"},
		{s, "subject_type", "pairwise", "The subject type field is not supported."},
		{s, "subject_type", "public", ""},
		{s, "sector_identifier_uri", "https://wiki.example", "is not supported"},
		{s, "userinfo_signed_response_alg", "RS256", "is not supported"},
		{s, "default_acr_values", []any{"1"}, "is not supported"},
		{s, "initiate_login_uri", "https://wiki.example", "is not supported"},
		{s, "id_token_encrypted_response_alg", "RSA-OAEP", "is not supported"},
		{s, "userinfo_encrypted_response_enc", "A128GCM", "is not supported"},
		{s, "request_object_signing_alg", "RS256", "is not supported"},
		{s, "request_uris", []any{"https://wiki.example"}, "is not supported"},
		{s, "request_uris", []any{}, ""},
		{s, "frontchannel_logout_uri", "https://wiki.example", "is not supported"},
		{s, "frontchannel_logout_session_required", true, "is not supported"},
		{s, "frontchannel_logout_session_required", false, ""},
		{s, "tls_client_auth_subject_dn", "x", ""}, // of another standard
		{off, "post_logout_redirect_uris", []any{"https://wiki.example/"}, "The post logout redirect uris field needs OpenID Connect, which is off"},
		{off, "default_max_age", nil, ""},
	} {
		b := tt.server.Browser().SignIn("alice")
		got := b.Ask("POST", "/oauth/clients", map[string]any{"name": "Wiki", "redirect": "https://wiki.example/cb", tt.field: tt.value})
		if tt.want == "" {
			got.WantStatus(201)
			continue
		}
		message, _ := got.JSON()["message"].(string)
		if got.Status != 422 || !strings.Contains(message, tt.want) {
			t.Errorf("%s = %.60v: %d %q, want 422 with %q", tt.field, tt.value, got.Status, message, tt.want)
		}
	}
}
