package passporttest

import "github.com/go-passport/passport/oauth"

// WithSignIn exports withSignIn for tests.
var WithSignIn = withSignIn

// Store returns the server's store, for tests.
func (s *Server) Store() oauth.Store { return s.store }
