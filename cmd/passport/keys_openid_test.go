package main_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// algorithms returns the algorithms of the public keys, the first key's first.
func algorithms(t *testing.T, s *server) (algs []string) {
	t.Helper()
	var set struct {
		Keys []struct{ Alg string }
	}
	if err := json.Unmarshal([]byte(jwks(t, s)), &set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		algs = append(algs, key.Alg)
	}
	return algs
}

// With OpenID Connect, a server with its own folder of keys adds the RS256 key of ID
// tokens, also to the keys of a server that ran without it.
func TestServe_OI_150_AddsTheKeyOfIDTokens(t *testing.T) {
	t.Chdir(t.TempDir())
	before := start(t, nil, "serve")
	old := jwks(t, before)
	before.stop(t)
	write(t, "passport.toml", "[openid]\n")
	s := start(t, nil, "serve")
	if got := algorithms(t, s); !slices.Equal(got, []string{"ES256", "RS256"}) {
		t.Errorf("with the table [openid] the server has keys for %q, want ES256 for access tokens, then RS256", got)
	}
	if !strings.Contains(s.log.String(), "alg=RS256") {
		t.Errorf("the log doesn't say that a key was created:\n%s", s.log)
	}
	keys := jwks(t, s)
	if !strings.Contains(keys, strings.TrimSuffix(strings.TrimSpace(old), "]}")) {
		t.Errorf("the key of access tokens changed:\n%s\n%s", old, keys)
	}
	s.stop(t)
	again := start(t, nil, "serve")
	if got := jwks(t, again); got != keys || strings.Contains(again.log.String(), "generated") {
		t.Errorf("the next start has other keys, or says that it created one:\n%s\n%s", got, again.log)
	}
}

// Elsewhere the server adds no key: the operator has to, at every place.
func TestServe_OI_150_NamesTheCommandForTheKey(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "keys")
	private, err := os.ReadFile("storage/oauth-private.key")
	if err != nil {
		t.Fatal(err)
	}
	write(t, "passport.toml", "[openid]\n")
	for name, env := range map[string][]string{
		"the environment": {"PASSPORT_PRIVATE_KEY=" + string(private)},
		"the database":    {"PASSPORT_KEYS_SECRET=" + strings.Repeat("A", 44)},
	} {
		status, said := attempt(t, env, "serve", "--listen", "127.0.0.1:0")
		if status != 1 || !strings.Contains(said, "no RS256 key") || !strings.Contains(said, "`passport keys add --alg RS256`") {
			t.Errorf("with keys in %s and without an RS256 key, the server ended with %d and said\n%s", name, status, said)
		}
	}
	env := []string{"PASSPORT_KEYS_SECRET=" + strings.Repeat("A", 44)}
	if status, said := attempt(t, env, "keys", "add", "--alg", "RS256"); status != 0 {
		t.Fatalf("passport keys add ended with %d and said\n%s", status, said)
	}
	s := start(t, env, "serve")
	if got := algorithms(t, s); !slices.Equal(got, []string{"ES256", "RS256"}) {
		t.Errorf("after the command, the server has keys for %q", got)
	}
}

// The tour is an OpenID provider, too.
func TestDemo_OI_150_HasAKeyForIDTokens(t *testing.T) {
	s, _ := startDemo(t)
	if got := algorithms(t, s); !slices.Contains(got, "RS256") {
		t.Errorf("the tour has keys for %q, want RS256 among them", got)
	}
}
