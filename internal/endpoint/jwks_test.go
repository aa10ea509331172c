package endpoint_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// A relying party finds the key of an ID token by its kid, in a document that every
// origin may read, and caches it for an hour at most.
func TestJWKS_OI_152_OI_154_ForRelyingParties(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	a := s.Get("/oauth/jwks", "Origin", "https://any.example").WantStatus(http.StatusOK)
	age, err := strconv.Atoi(strings.TrimPrefix(a.Header.Get("Cache-Control"), "public, max-age="))
	if err != nil || age <= 0 || age > 3600 || a.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the JWKS has the headers %v, want a cache time of an hour at most, for every origin", a.Header)
	}
	var kids, algs []string
	for _, key := range testkit.JwksOf(t, a.Body).Keys {
		if key.Use != "sig" || !key.IsPublic() || slices.Contains(kids, key.KeyID) {
			t.Errorf("the JWKS has the key %s for %s: want public keys for signatures with distinct kids", key.KeyID, key.Use)
		}
		kids, algs = append(kids, key.KeyID), append(algs, key.Algorithm)
	}
	if !slices.Equal(algs, []string{"ES256", "RS256"}) {
		t.Errorf("the keys have the algorithms %q, want ES256 for access tokens, then RS256 for ID tokens", algs)
	}
	got := s.GrantTokens(s.Web(), "scope", "openid read")
	if header, _ := s.IDToken(got.ID, "RS256"); header.KeyID != kids[1] {
		t.Errorf("the ID token names the key %s, want the RS256 key %s", header.KeyID, kids[1])
	}

	etag := a.Header.Get("ETag")
	for sent, want := range map[string]int{etag: 304, `"other", W/` + etag: 304, `"other"`: 200, "": 200} {
		again := s.Get("/oauth/jwks", "If-None-Match", sent)
		if again.Status != want || again.Header.Get("ETag") != etag || again.Header.Get("Access-Control-Allow-Origin") != "*" || (want == 304) != (again.Body == "") {
			t.Errorf("If-None-Match %s gives %d with %v, want %d with the ETag %s", sent, again.Status, again.Header, want, etag)
		}
	}
	other := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	if other.Get("/oauth/jwks").Header.Get("ETag") == etag {
		t.Error("two sets of keys have the same ETag")
	}
}

// The documents about a server change only with its settings and keys.
func TestMetadata_HasAnETag(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		first := s.Get(path).WantStatus(http.StatusOK)
		time.Sleep(time.Millisecond)
		if again := s.Get(path, "If-None-Match", first.Header.Get("ETag")); again.Status != http.StatusNotModified {
			t.Errorf("%s has changed: %d", path, again.Status)
		}
	}
}
