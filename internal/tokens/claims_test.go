package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// RFC 9068 §2.1: "the type header parameter … at+jwt", signed asymmetrically.
func TestToken_AT_01_Header(t *testing.T) {
	for alg, change := range testkit.EveryKey(t) {
		t.Run(alg, func(t *testing.T) {
			s := testkit.NewServer(t, change)
			token := s.MachineToken(s.Machine())
			header := s.Verified(token)
			if header.Algorithm != alg || header.ExtraHeaders[jose.HeaderType] != "at+jwt" {
				t.Errorf("header = %+v, want alg %s and typ at+jwt", header, alg)
			}
			s.WantAdmits(token, true, alg)
		})
	}
}

// RFC 9068 §2.2.
func TestToken_AT_02_AT_03_AT_04_Claims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) {
			c.Resources = []string{"https://api.example.com", "https://files.example.com"}
		})
		c, machine := s.Web(), s.Machine()
		b := s.Browser().SignIn("alice")
		signedIn := time.Now()
		time.Sleep(time.Hour)
		tok := s.Redeem(c, b.Authorize(c, "scope", "read write").Allow().Code())
		claims := testkit.ClaimsOf(t, tok.Access)
		want := map[string]any{
			"iss": testkit.Issuer, "sub": "users:alice", "client_id": c.ID, "aud": testkit.Issuer, "scope": "read write",
			"iat": float64(time.Now().Unix()), "exp": float64(time.Now().Add(time.Hour).Unix()), "auth_time": float64(signedIn.Unix()),
		}
		wantClaims(t, claims, want)
		if id, _ := claims["jti"].(string); len(id) < 22 {
			t.Errorf("jti = %v, want a unique ID", claims["jti"])
		}
		for _, name := range []string{"acr", "amr", "name", "email", "nonce"} {
			if _, present := claims[name]; present {
				t.Errorf("the token has the claim %s, want none", name)
			}
		}
		time.Sleep(10 * time.Minute)
		refreshed := testkit.ClaimsOf(t, s.Refresh(c, tok.Refresh).Tokens().Access)
		if refreshed["auth_time"] != want["auth_time"] {
			t.Errorf("auth_time after a refresh = %v, want the time of the sign-in, %v (RFC 9068 §2.2.1)", refreshed["auth_time"], want["auth_time"])
		}
		if refreshed["jti"] == claims["jti"] {
			t.Error("two access tokens have the same jti")
		}

		own := testkit.ClaimsOf(t, s.MachineToken(machine))
		wantClaims(t, own, map[string]any{"iss": testkit.Issuer, "sub": "client:" + machine.ID, "client_id": machine.ID, "aud": testkit.Issuer})
		for _, name := range []string{"scope", "auth_time"} {
			if _, there := own[name]; there {
				t.Errorf("a client's own token without scopes has the claim %s, want none", name)
			}
		}
		one := testkit.ClaimsOf(t, s.MachineToken(machine, "resource", "https://api.example.com"))
		wantClaims(t, one, map[string]any{"aud": "https://api.example.com"})
		two := s.Send("grant_type=client_credentials&resource=https://api.example.com&resource=https://files.example.com&resource=", "Authorization", testkit.Basic(machine.ID, machine.Secret)).Tokens()
		if got := fmt.Sprint(testkit.ClaimsOf(t, two.Access)["aud"]); got != "[https://api.example.com https://files.example.com]" {
			t.Errorf("aud of a token for two resources = %s, want both", got)
		}
	})
}

func wantClaims(t *testing.T, got, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("claim %s = %v, want %v", name, got[name], value)
		}
	}
}

// RFC 8707 §2.2: a token request may narrow the resources of the authorization request,
// never extend them.
func TestToken_RI_02_RI_03_RI_06_Resources(t *testing.T) {
	const apis, files = "https://api.example.com", "https://files.example.com"
	s := testkit.NewServer(t, func(c *passport.Config) { c.Resources = []string{apis, files} })
	c := s.Web()
	params := c.Request()
	params["resource"] = []string{apis, files}
	tok := s.Redeem(c, s.Browser().SignIn("alice").Get("/oauth/authorize?"+params.Encode()).Allow().Code())
	if got := fmt.Sprint(testkit.ClaimsOf(t, tok.Access)["aud"]); got != "["+apis+" "+files+"]" {
		t.Errorf("aud = %s, want both resources", got)
	}
	s.WantAdmits(tok.Access, false, "for other resources, at a guard of this server")
	narrow := s.Refresh(c, tok.Refresh, "resource", files).Tokens()
	if got := testkit.ClaimsOf(t, narrow.Access)["aud"]; got != files {
		t.Errorf("aud of the narrowed token = %v, want %s", got, files)
	}
	whole := s.Refresh(c, narrow.Refresh).Tokens()
	if got := fmt.Sprint(testkit.ClaimsOf(t, whole.Access)["aud"]); got != "["+apis+" "+files+"]" {
		t.Errorf("aud of the next token = %s, want both resources", got)
	}
	for _, uri := range []string{testkit.Issuer, "https://evil.example", "nonsense", apis + "#fragment", apis + "/v1"} {
		s.Refresh(c, whole.Refresh, "resource", uri).WantJSONError(400, "invalid_target")
	}

	plain := s.GrantTokens(s.Web())
	if got := testkit.ClaimsOf(t, plain.Access)["aud"]; got != testkit.Issuer {
		t.Errorf("aud without a resource = %v, want the issuer", got)
	}
	code := s.Code(c, "prompt", "consent") // naming this server's audience in the token request is not an extension
	named := s.Exchange(c, append(c.CodeForm(code), "resource", testkit.Issuer)...).Tokens()
	if got := testkit.ClaimsOf(t, s.Refresh(c, named.Refresh, "resource", testkit.Issuer).Tokens().Access)["aud"]; got != testkit.Issuer {
		t.Errorf("aud = %v, want the issuer", got)
	}
	s.Exchange(c, append(c.CodeForm(s.Code(c, "prompt", "consent")), "resource", apis)...).WantJSONError(400, "invalid_target")
}

// RFC 9068 §6: a token has only the necessary claims, and stays short.
func TestToken_AT_06_Size(t *testing.T) {
	for alg, change := range testkit.EveryKey(t) {
		var scopes []passport.Scope
		var asked []string
		for i := range 20 {
			id := fmt.Sprintf("orders:read-%02d", i)
			scopes, asked = append(scopes, passport.Scope{ID: id, Description: id}), append(asked, id)
		}
		s := testkit.NewServer(t, change, func(c *passport.Config) { c.Scopes = scopes })
		tok := s.GrantTokens(s.Web(), "scope", strings.Join(asked, " "))
		limit := 1024 + 256 // an RSA signature is 256 bytes longer than the others
		if !strings.HasSuffix(alg, "S256") || alg == "ES256" {
			limit = 1024 + 100
		}
		if n := len(tok.Access); n > limit {
			t.Errorf("an %s token with 20 scopes has %d bytes, want at most %d", alg, n, limit)
		}
		if strings.Contains(fmt.Sprint(testkit.ClaimsOf(t, tok.Access)), "Name of") {
			t.Error("the token contains the user's name")
		}
	}
}

// Config.Claims adds claims, and cannot replace the server's claims.
func TestNeverRepeat_E9_ReservedClaims(t *testing.T) {
	var more map[string]any
	var fault error
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.Claims = func(_ context.Context, t *oauth.AccessToken) (map[string]any, error) { return more, fault }
	})
	c := s.Web()
	more = map[string]any{"tenant": "acme", "roles": []string{"buyer"}}
	tok := s.GrantTokens(c)
	if claims := testkit.ClaimsOf(t, tok.Access); claims["tenant"] != "acme" || fmt.Sprint(claims["roles"]) != "[buyer]" {
		t.Errorf("claims = %v, want the claims of Config.Claims too", claims)
	}
	s.WantAdmits(tok.Access, true, "with claims of the application")
	again := s.Refresh(c, tok.Refresh).Tokens()
	code := s.Code(c, "prompt", "consent")
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "auth_time", "acr", "amr", "cnf", "act", "may_act", "authorization_details", "ISS", "Sub", "Client_ID", "JTI"} {
		more = map[string]any{name: "forged"}
		a := s.Exchange(c, c.CodeForm(code)...).WantJSONError(500, "server_error")
		if strings.Contains(a.Body, "forged") || !strings.Contains(s.Log.String(), fmt.Sprintf(`Config.Claims returned \"%s\"`, name)) {
			t.Errorf("a reserved claim %s: %s; want its name in the log and not in the response", name, a)
		}
	}
	more = map[string]any{"history": strings.Repeat("x", 16<<10)} // longer than guards accept
	s.Exchange(c, c.CodeForm(code)...).WantJSONError(500, "server_error")
	more, fault = nil, errors.New("the directory is unavailable")
	s.Exchange(c, c.CodeForm(code)...).WantJSONError(500, "server_error")
	s.Refresh(c, again.Refresh).WantJSONError(500, "server_error")
	fault = nil
	s.Redeem(c, code) // the failures did not use up the code
	s.Refresh(c, again.Refresh).Tokens()
}
