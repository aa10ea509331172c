package testkit

import (
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
)

// IDToken verifies a token of the server as a client does, with go-jose and the public
// keys of the JWKS endpoint, and returns its header and claims. The only accepted
// algorithm is alg.
func (s *Server) IDToken(token, alg string) (header jose.Header, claims map[string]any) {
	s.T.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		s.T.Fatalf("the response has no ID token with %s: %v", alg, err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(s.Get("/oauth/jwks").Body), &set); err != nil {
		s.T.Fatal(err)
	}
	header = parsed.Signatures[0].Protected
	found := set.Key(header.KeyID)
	if len(found) != 1 || found[0].Algorithm != alg {
		s.T.Fatalf("the JWKS endpoint has the keys %v for the kid %q of the ID token, want one %s key", found, header.KeyID, alg)
	}
	payload, err := parsed.Verify(found[0])
	if err != nil {
		s.T.Fatalf("the signature of the ID token doesn't verify with the key of the JWKS endpoint: %v", err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		s.T.Fatal(err)
	}
	return header, claims
}
