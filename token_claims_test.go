package passport_test

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
	"github.com/go-passport/passport/oauth"
)

// published returns the server's keys as a client reads them.
func (s *server) published() *jose.JSONWebKeySet {
	s.t.Helper()
	return jwksOf(s.t, s.get("/oauth/jwks").body)
}

// verified returns a token's header, read and verified by somebody else's code
// with the published keys.
func (s *server) verified(token string) jose.Header {
	s.t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.PS256, jose.EdDSA})
	if err != nil {
		s.t.Fatalf("the access token is no JWS: %v", err)
	}
	header := parsed.Signatures[0].Protected
	keys := s.published().Key(header.KeyID)
	if len(keys) != 1 {
		s.t.Fatalf("%d published keys have the kid %q of the access token, want one", len(keys), header.KeyID)
	}
	if _, err := parsed.Verify(keys[0]); err != nil {
		s.t.Fatalf("the access token does not verify with the published key: %v", err)
	}
	if keys[0].Algorithm != header.Algorithm {
		s.t.Errorf("the token is signed with %s, its key is published for %s", header.Algorithm, keys[0].Algorithm)
	}
	return header
}

// RFC 9068 §2.1: "the type header parameter … at+jwt", signed asymmetrically.
func TestToken_AT_01_Header(t *testing.T) {
	for alg, change := range everyKey(t) {
		t.Run(alg, func(t *testing.T) {
			s := newServer(t, change)
			token := s.machineToken(s.machine())
			header := s.verified(token)
			if header.Algorithm != alg || header.ExtraHeaders[jose.HeaderType] != "at+jwt" {
				t.Errorf("header = %+v, want alg %s and typ at+jwt", header, alg)
			}
			s.wantAdmits(token, true, alg)
		})
	}
}

// RFC 9068 §2.2.
func TestToken_AT_02_AT_03_AT_04_Claims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *passport.Config) {
			c.Resources = []string{"https://api.example.com", "https://files.example.com"}
		})
		c, machine := s.web(), s.machine()
		b := s.browser().signIn("alice")
		signedIn := time.Now()
		time.Sleep(time.Hour)
		tok := s.redeem(c, b.authorize(c, "scope", "read write").allow().code())
		claims := claimsOf(t, tok.Access)
		want := map[string]any{
			"iss": issuer, "sub": "users:alice", "client_id": c.ID, "aud": issuer, "scope": "read write",
			"iat": float64(time.Now().Unix()), "exp": float64(time.Now().Add(time.Hour).Unix()), "auth_time": float64(signedIn.Unix()),
		}
		wantClaims(t, claims, want)
		if id, _ := claims["jti"].(string); len(id) < 22 {
			t.Errorf("jti = %v, want an ID that is unique", claims["jti"])
		}
		for _, name := range []string{"acr", "amr", "name", "email", "nonce"} {
			if _, there := claims[name]; there {
				t.Errorf("the token has a claim %s, which nobody gave", name)
			}
		}
		time.Sleep(10 * time.Minute)
		refreshed := claimsOf(t, s.refresh(c, tok.Refresh).tokens().Access)
		if refreshed["auth_time"] != want["auth_time"] {
			t.Errorf("auth_time after a refresh = %v, want that of the sign-in, %v (RFC 9068 §2.2.1)", refreshed["auth_time"], want["auth_time"])
		}
		if refreshed["jti"] == claims["jti"] {
			t.Error("two access tokens have the same jti")
		}

		own := claimsOf(t, s.machineToken(machine))
		wantClaims(t, own, map[string]any{"iss": issuer, "sub": "client:" + machine.ID, "client_id": machine.ID, "aud": issuer})
		for _, name := range []string{"scope", "auth_time"} {
			if _, there := own[name]; there {
				t.Errorf("a client's own token without scopes has a claim %s", name)
			}
		}
		one := claimsOf(t, s.machineToken(machine, "resource", "https://api.example.com"))
		wantClaims(t, one, map[string]any{"aud": "https://api.example.com"})
		two := s.send("grant_type=client_credentials&resource=https://api.example.com&resource=https://files.example.com&resource=", "Authorization", basic(machine.ID, machine.secret)).tokens()
		if got := fmt.Sprint(claimsOf(t, two.Access)["aud"]); got != "[https://api.example.com https://files.example.com]" {
			t.Errorf("aud of a token for two resources = %s", got)
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

// RFC 8707 §2.2: a token request may narrow what was asked for, never widen it.
func TestToken_RI_02_RI_03_RI_06_Resources(t *testing.T) {
	const apis, files = "https://api.example.com", "https://files.example.com"
	s := newServer(t, func(c *passport.Config) { c.Resources = []string{apis, files} })
	c := s.web()
	params := c.request()
	params["resource"] = []string{apis, files}
	tok := s.redeem(c, s.browser().signIn("alice").get("/oauth/authorize?"+params.Encode()).allow().code())
	if got := fmt.Sprint(claimsOf(t, tok.Access)["aud"]); got != "["+apis+" "+files+"]" {
		t.Errorf("aud = %s, want both resources", got)
	}
	s.wantAdmits(tok.Access, false, "for other resources, at our own guard")
	narrow := s.refresh(c, tok.Refresh, "resource", files).tokens()
	if got := claimsOf(t, narrow.Access)["aud"]; got != files {
		t.Errorf("aud of the narrowed token = %v, want %s", got, files)
	}
	whole := s.refresh(c, narrow.Refresh).tokens()
	if got := fmt.Sprint(claimsOf(t, whole.Access)["aud"]); got != "["+apis+" "+files+"]" {
		t.Errorf("aud after that = %s, want both resources again", got)
	}
	for _, uri := range []string{issuer, "https://evil.example", "nonsense", apis + "#fragment", apis + "/"} {
		s.refresh(c, whole.Refresh, "resource", uri).wantJSONError(400, "invalid_target")
	}

	plain := s.grantTokens(s.web())
	if got := claimsOf(t, plain.Access)["aud"]; got != issuer {
		t.Errorf("aud without a resource = %v, want the issuer", got)
	}
	code := s.code(c, "prompt", "consent") // a client that names our own audience late asks for nothing more
	named := s.exchange(c, append(c.codeForm(code), "resource", issuer)...).tokens()
	if got := claimsOf(t, s.refresh(c, named.Refresh, "resource", issuer).tokens().Access)["aud"]; got != issuer {
		t.Errorf("aud = %v, want the issuer", got)
	}
	s.exchange(c, append(c.codeForm(s.code(c, "prompt", "consent")), "resource", apis)...).wantJSONError(400, "invalid_target")
}

// RFC 9068 §6: a token says no more than it must, and stays short.
func TestToken_AT_06_Size(t *testing.T) {
	for alg, change := range everyKey(t) {
		var scopes []passport.Scope
		var asked []string
		for i := range 20 {
			id := fmt.Sprintf("orders:read-%02d", i)
			scopes, asked = append(scopes, passport.Scope{ID: id, Description: id}), append(asked, id)
		}
		s := newServer(t, change, func(c *passport.Config) { c.Scopes = scopes })
		tok := s.grantTokens(s.web(), "scope", strings.Join(asked, " "))
		limit := 1024 + 256 // an RSA signature is 256 bytes longer than the others
		if !strings.HasSuffix(alg, "S256") || alg == "ES256" {
			limit = 1024 + 100
		}
		if n := len(tok.Access); n > limit {
			t.Errorf("an %s token with 20 scopes has %d bytes, want at most %d", alg, n, limit)
		}
		if strings.Contains(fmt.Sprint(claimsOf(t, tok.Access)), "Name of") {
			t.Error("the token holds the user's name")
		}
	}
}

// Config.Claims adds what the application wants to say, and cannot take the
// place of what the server says.
func TestNeverRepeat_E9_ReservedClaims(t *testing.T) {
	var more map[string]any
	var fault error
	s := newServer(t, func(c *passport.Config) {
		c.Claims = func(_ context.Context, t *oauth.AccessToken) (map[string]any, error) { return more, fault }
	})
	c := s.web()
	more = map[string]any{"tenant": "acme", "roles": []string{"buyer"}}
	tok := s.grantTokens(c)
	if claims := claimsOf(t, tok.Access); claims["tenant"] != "acme" || fmt.Sprint(claims["roles"]) != "[buyer]" {
		t.Errorf("claims = %v, want those of Config.Claims among them", claims)
	}
	s.wantAdmits(tok.Access, true, "with claims of the application's")
	again := s.refresh(c, tok.Refresh).tokens()
	code := s.code(c, "prompt", "consent")
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "auth_time", "acr", "amr", "cnf", "act", "may_act", "authorization_details", "ISS", "Sub", "Client_ID", "JTI"} {
		more = map[string]any{name: "forged"}
		a := s.exchange(c, c.codeForm(code)...).wantJSONError(500, "server_error")
		if strings.Contains(a.body, "forged") || !strings.Contains(s.log.String(), fmt.Sprintf(`Config.Claims returned \"%s\"`, name)) {
			t.Errorf("a reserved claim %s: answered %s; want the log to name it, and the answer not", name, a)
		}
	}
	more = map[string]any{"history": strings.Repeat("x", 16<<10)} // longer than any guard admits
	s.exchange(c, c.codeForm(code)...).wantJSONError(500, "server_error")
	more, fault = nil, errors.New("the directory is down")
	s.exchange(c, c.codeForm(code)...).wantJSONError(500, "server_error")
	s.refresh(c, again.Refresh).wantJSONError(500, "server_error")
	fault = nil
	s.redeem(c, code) // none of that used up the code
	s.refresh(c, again.Refresh).tokens()
}
