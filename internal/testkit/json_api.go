package testkit

import "github.com/go-passport/passport/oauth"

// TokenIDs returns the IDs of an account's tokens, oldest first.
func (s *Server) TokenIDs(user oauth.UserRef) (ids []string) {
	s.T.Helper()
	for t, err := range s.Tokens(s.T.Context(), user) {
		Check(s.T, err)
		ids = append(ids, t.ID)
	}
	return ids
}
