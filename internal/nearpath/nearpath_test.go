package nearpath_test

import (
	"log/slog"
	"testing"

	"github.com/go-passport/passport/internal/nearpath"
)

func TestNear_FR_35(t *testing.T) {
	root := []string{
		"/oauth/token", "/oauth/token/refresh", "/oauth/authorize", "/oauth/jwks", "/oauth/revoke", "/oauth/introspect", "/oauth/clients",
		"/oauth/clients/{client}", "/oauth/tokens", "/.well-known/oauth-authorization-server", "/sign-in", "/sign-out", "/livez",
	}
	tenant := []string{"/Tenant/oauth/token", "/Tenant/oauth/jwks", "/.well-known/oauth-authorization-server/Tenant"}
	const metadata = "/.well-known/oauth-authorization-server"
	for _, tt := range []struct {
		paths             []string
		base, asked, want string
	}{
		{root, "/oauth", "/oauth/token", ""}, {root, "/oauth", "/oauth/clients/42", ""}, {root, "/oauth", "/", ""}, {root, "/oauth", "", ""},
		{root, "/oauth", "/orders", ""}, {root, "/oauth", "/favicon.ico", ""}, {root, "/oauth", "/oauth", ""}, {root, "/oauth", "/.well-known/security.txt", ""},

		{root, "/oauth", "/oauth/token/", "/oauth/token"}, {root, "/oauth", "/oauth//token", "/oauth/token"}, {root, "/oauth", "//oauth/token", "/oauth/token"},
		{root, "/oauth", "/oauth/token//", "/oauth/token"}, {root, "/oauth", "/OAuth/Token", "/oauth/token"}, {root, "/oauth", "/oauth/./token", "/oauth/token"},
		{root, "/oauth", "/token", "/oauth/token"}, {root, "/oauth", "/Token/", "/oauth/token"}, {root, "/oauth", "/oauth2/token", "/oauth/token"},
		{root, "/oauth", "/api/v1/oauth/token", "/oauth/token"}, {root, "/oauth", "/oauth/v2/token", "/oauth/token"}, {root, "/oauth", "/oauth/oauth/token", "/oauth/token"},
		{root, "/oauth", "/token/refresh/", "/oauth/token/refresh"}, {root, "/oauth", "/oauth2/authorize", "/oauth/authorize"}, {root, "/oauth", "/oauth/clients/42/", "/oauth/clients/{client}"},
		{root, "/oauth", "/clients/42", "/oauth/clients/{client}"}, {root, "/oauth", "/oauth/access_token", "/oauth/token"}, {root, "/oauth", "/oauth/auth", "/oauth/authorize"},
		{root, "/oauth", "/oauth/jwks.json", "/oauth/jwks"}, {root, "/oauth", "/.well-known/jwks.json", "/oauth/jwks"}, {root, "/oauth", "/oauth/introspection", "/oauth/introspect"},
		{root, "/oauth", "/sign-in/", "/sign-in"}, {root, "/oauth", "/login", "/sign-in"}, {root, "/oauth", "/livez/", "/livez"},

		{root, "/oauth", metadata + "/", metadata}, {root, "/oauth", metadata + "/oauth", metadata}, {root, "/oauth", "/oauth" + metadata, metadata},
		{root, "/oauth", "/.well-known/OAuth-Authorization-Server", metadata}, {root, "/oauth", "/.well-known/openid-configuration", metadata},
		{root, "/oauth", "/.well-known//oauth-authorization-server", metadata},

		{tenant, "/Tenant/oauth", metadata, metadata + "/Tenant"}, {tenant, "/Tenant/oauth", "/Tenant" + metadata, metadata + "/Tenant"},
		{tenant, "/Tenant/oauth", metadata + "/tenant", metadata + "/Tenant"}, {tenant, "/Tenant/oauth", metadata + "/Tenant/", metadata + "/Tenant"},
		{tenant, "/Tenant/oauth", "/Tenant/.well-known/openid-configuration", metadata + "/Tenant"},
		{tenant, "/Tenant/oauth", "/oauth/token", "/Tenant/oauth/token"}, {tenant, "/Tenant/oauth", "/Tenant/token", "/Tenant/oauth/token"},
		{tenant, "/Tenant/oauth", "/tenant/oauth/token", "/Tenant/oauth/token"},
	} {
		if got := nearpath.New(tt.paths, tt.base, slog.New(slog.DiscardHandler)).Near(tt.asked); got != tt.want {
			t.Errorf("with the endpoints below %s, %s is near %q, want %q", tt.base, tt.asked, got, tt.want)
		}
	}
}

func FuzzNear(f *testing.F) {
	for _, s := range []string{"/oauth/token/", "//", "/.well-known/", "", "/%2e", "/a/../b"} {
		f.Add(s)
	}
	p := nearpath.New([]string{"/oauth/token", "/oauth/clients/{client}"}, "/oauth", slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, asked string) {
		if got := p.Near(asked); got != "" && got == asked {
			t.Errorf("Near(%q) returns the path itself, want another path", asked)
		}
	})
}
