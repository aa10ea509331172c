package oauth

import (
	"context"
	"iter"
	"time"
)

// Consent is a scope that a user has granted to a client and not withdrawn.
type Consent struct {
	Client    *Client   // without RedirectURIs, Attributes and Secrets
	Scope     string    // the name under which the server stored the consent
	GrantedAt time.Time // when the user first granted it
}

// ConsentListStore is a [Store] that can list the consents of a user. With it, the list
// of connected apps has apps without a live token, too.
type ConsentListStore interface {
	// ConsentsOf yields the scopes that a user has granted and that count, as
	// [ConsentStore.Consented] says, ordered by client ID and scope. It yields none
	// for a revoked client. It reads pages.
	ConsentsOf(ctx context.Context, user UserRef) iter.Seq2[*Consent, error]
}
