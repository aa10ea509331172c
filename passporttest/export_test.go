package passporttest

import "github.com/go-passport/passport/oauth"

// WithSignIn is withSignIn, for tests.
var WithSignIn = withSignIn

// Store is the server's store, for tests.
func (s *Server) Store() oauth.Store { return s.store }
