package oauth

// GrantTraits are what the server has to know about a grant type beyond its
// decisions. The zero value fits most grants.
type GrantTraits struct {
	// AllScopes lets tokens of the grant carry [AllScopes]. It is for grants in
	// which no user agrees to scopes by name.
	AllScopes bool

	// FirstParty says that the clients of the grant are the application's own. A
	// user did not connect them, so lists of connected apps leave them out.
	FirstParty bool

	// Redirects says that the grant sends users back to the client, which then
	// needs a redirect URI. A [Responder] always does.
	Redirects bool

	// Guesses returns the account that a request proves something about that can be
	// guessed, such as a user name beside a password; empty for none. The server
	// counts the refusals with [InvalidGrant] for each account and address, and
	// answers 429 for a while when there are too many. Nil: nothing can be guessed.
	Guesses func(r *TokenRequest) string

	// CheckClient returns why a client cannot use the grant. It is asked when a
	// client is registered for it. users are the accounts that the client acts for,
	// nil where the server has none. Nil accepts every client.
	CheckClient func(client *Client, users UserProvider) error
}

// TraitedGrant is a [Grant] or a [Responder] that has [GrantTraits].
type TraitedGrant interface {
	Traits() GrantTraits
}

// TraitsOf returns the traits of a [Grant] or a [Responder], zero ones if it has
// none.
func TraitsOf(grant any) GrantTraits {
	if g, ok := grant.(TraitedGrant); ok {
		return g.Traits()
	}
	return GrantTraits{}
}
