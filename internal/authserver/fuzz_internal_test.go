package authserver

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/origin"
)

const testIssuer = "https://auth.example.com"

// The API uses only endpoints at allowed origins.
func FuzzParseMetadata(f *testing.F) {
	for _, text := range []string{
		`{"issuer":"https://auth.example.com","jwks_uri":"https://auth.example.com/keys","introspection_endpoint":"https://auth.example.com/introspect"}`,
		`{"issuer":"https://auth.example.com","jwks_uri":"https://keys.example.com/keys"}`,
		`{"issuer":"https://auth.example.com","jwks_uri":"https://auth.example.com@evil.example/keys"}`,
		`{"issuer":"https://auth.example.com","jwks_uri":"https://auth.example.com.evil.example/keys"}`,
		`{"issuer":"https://auth.example.com","jwks_uri":"//evil.example"}`, `{"issuer":1}`, `{}`, `null`, `[]`, ``, `{"issuer":"a","issuer":"b"}`,
	} {
		f.Add([]byte(text))
	}
	allowed := []string{testIssuer, "https://keys.example.com"}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseMetadata(text, testIssuer, allowed[1:])
		if err != nil {
			return
		}
		for _, endpoint := range []string{m.jwks, m.introspection} {
			if at := origin.Of(endpoint); endpoint != "" && (!slices.Contains(allowed, at) || !strings.HasPrefix(strings.ToLower(endpoint), "https://")) {
				t.Fatalf("parseMetadata(%q) accepts the endpoint %q at %q", text, endpoint, at)
			}
		}
		if m.jwks == "" {
			t.Fatalf("parseMetadata(%q) accepts metadata without keys", text)
		}
	})
}

// A key set never has two keys with one ID, or a key that doesn't verify.
func FuzzParseKeys(f *testing.F) {
	const ec = `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"`
	for _, text := range []string{
		`{"keys":[` + ec + `,"kid":"1","use":"sig","alg":"ES256"}]}`, `{"keys":[` + ec + `},` + ec + `}]}`, `{"keys":[` + ec + `,"kid":"\"}"}]}`,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`,
		`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`, `{"keys":[{"kty":"oct","k":"AAAA"}]}`, `{"keys":null}`, `{"keys":[null]}`, `null`, `[]`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := parseKeys(text)
		if err != nil {
			return
		}
		ids := map[string]bool{}
		for _, k := range set.keys {
			if ids[k.ID] || k.Signs() || !slices.Contains([]string{"ES256", "EdDSA", "RS256", "PS256"}, k.Alg) {
				t.Fatalf("parseKeys(%q) has the key %v, which is a duplicate or doesn't verify", text, k)
			}
			ids[k.ID] = true
		}
		if len(ids) == 0 {
			t.Fatalf("parseKeys(%q) accepts a set without a key", text)
		}
	})
}

// Only a response whose member active is true, and whose token is an access token, makes a
// token active.
func FuzzParseIntrospection(f *testing.F) {
	for _, text := range []string{
		`{"active":true,"token_type":"Bearer","iss":"https://auth.example.com","aud":["a"],"exp":1,"scope":"a b"}`, `{"active":false}`, `{"active":"true","token_type":"Bearer"}`,
		`{"active":true}`, `{"ACTIVE":true,"token_type":"bearer"}`, `{"active":true,"active":false,"token_type":"bearer"}`, `{"active":null}`, `null`, `[]`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, active, err := parseIntrospection(text); active && (err != nil || !strings.Contains(string(text), "true")) {
			t.Fatalf("parseIntrospection(%q) = active, %v", text, err)
		}
	})
}
