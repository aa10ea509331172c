package passport

// Issuer returns the URL that clients know the server by.
func (s *Server) Issuer() string { return s.issuer }

// Audience returns what tokens are for unless a request says otherwise:
// Config.Audience, or else the issuer.
func (s *Server) Audience() string { return s.policy.Audience }

// URL returns the URL of the endpoint with a route of the given name, such as
// "passport.introspect"; empty if there is none. [Server.Routes] has the names.
func (s *Server) URL(name string) string {
	for r := range s.Routes() {
		if r.Name == name {
			return s.origin + r.Path
		}
	}
	return ""
}

// ClientIDs returns what new clients are called: [UUIDs] or [Integers].
func (s *Server) ClientIDs() IDFormat { return s.clientIDs }

// Providers returns the names of the sets of accounts that clients may act for:
// "users" first, if there are Config.Users, then those of Config.Providers by
// name.
func (s *Server) Providers() []string { return s.users.Names() }
