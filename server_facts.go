package passport

// Issuer returns the URL that clients know the server by.
func (s *Server) Issuer() string { return s.issuer }

// ClientIDs returns what new clients are called: [UUIDs] or [Integers].
func (s *Server) ClientIDs() IDFormat { return s.clientIDs }

// Providers returns the names of the sets of accounts that clients may act for:
// "users" first, if there are Config.Users, then those of Config.Providers by
// name.
func (s *Server) Providers() []string { return s.users.Names() }
