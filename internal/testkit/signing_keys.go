package testkit

import "encoding/json"

// Kids returns the IDs of the server's public keys, the signing key's first.
func (s *Server) Kids() (kids []string) {
	s.T.Helper()
	var set struct {
		Keys []struct{ Kid string }
	}
	if err := json.Unmarshal([]byte(s.Get("/oauth/jwks").Body), &set); err != nil {
		s.T.Fatal(err)
	}
	for _, key := range set.Keys {
		kids = append(kids, key.Kid)
	}
	return kids
}
