package oauth

// GrantTraits are facts about a grant type that the server needs in addition to
// its decisions. The zero value fits most grants.
type GrantTraits struct {
	// AllScopes lets tokens of the grant have [AllScopes]. It is for grants in
	// which the user does not agree to individual scopes. Default: false.
	AllScopes bool

	// FirstParty says that the clients of the grant are the application's own.
	// Lists of connected apps omit them, because the user did not connect them.
	// Default: false.
	FirstParty bool

	// ClientOnly says that the grant acts for clients and never for users, as
	// client_credentials does. A client whose grants all do so needs no user
	// provider. Default: false.
	ClientOnly bool

	// Redirects says that the grant redirects users to the client, which then
	// needs a redirect URI. It is always true for a [Responder]. Default:
	// false.
	Redirects bool

	// Guesses returns the account whose secret a request tries to prove, such
	// as the user name that comes with a password, or an empty text. The server
	// counts the [InvalidGrant] refusals per account and address. If there are
	// too many, it responds with 429 for a while. Nil: the grant accepts no
	// secret that can be guessed.
	Guesses func(r *TokenRequest) string

	// CheckClient returns an error if a client cannot use the grant. The server
	// calls it when a client is registered for the grant. users is the client's
	// provider, or nil if the server has none. Nil: every client is accepted.
	CheckClient func(client *Client, users UserProvider) error
}

// TraitedGrant is a [Grant] or a [Responder] with [GrantTraits].
type TraitedGrant interface {
	Traits() GrantTraits
}

// TraitsOf returns the traits of a [Grant] or a [Responder], or zero traits.
func TraitsOf(grant any) GrantTraits {
	if g, ok := grant.(TraitedGrant); ok {
		return g.Traits()
	}
	return GrantTraits{}
}
