package passport

// Issuer returns the URL that identifies the server to clients: Config.Issuer.
func (s *Server) Issuer() string { return s.issuer }

// Audience returns the audience of tokens whose request names no resource:
// Config.Audience, or else the issuer.
func (s *Server) Audience() string { return s.policy.Audience }

// URL returns the URL of the endpoint with the given name, such as
// "passport.introspect"; empty if there is none. [Server.Routes] has the names.
func (s *Server) URL(name string) string {
	for r := range s.Routes() {
		if r.Name == name {
			return s.origin + r.Path
		}
	}
	return ""
}

// ClientIDs returns the format of the IDs of new clients: [UUIDs] or [Integers].
func (s *Server) ClientIDs() IDFormat { return s.clientIDs }

// Providers returns the names of the user providers: "users" first, if Config.Users
// is set, then the names of Config.Providers in order.
func (s *Server) Providers() []string { return s.users.Names() }
