package oauth

import (
	"context"
	"time"
)

// Use is the last use of a user's tokens of one family: an access token that was
// admitted, or a refresh.
type Use struct {
	FamilyID string
	At       time.Time

	// Address is the IP address that the request came from, and Agent is a short name of
	// the program that sent it, such as "Firefox on Windows" or "curl/8.5.0". They are
	// empty if they are unknown or not kept. Agent has at most [MaxAgent] bytes.
	Address, Agent string
}

// MaxAgent is the maximum length of [Use.Agent], in bytes.
const MaxAgent = 64

// LastUsedStore is a [Store] that keeps when tokens were last used. Its lists return it
// in [AccessToken.LastUsedAt].
type LastUsedStore interface {
	// SaveUses stores the last use of each family, in one transaction. FamilyID is
	// different in each use. A use of a family that does not exist is ignored, and so
	// is one that is not later than the stored use: nodes may write in any order.
	// [Purger] deletes a use with the records of its family.
	SaveUses(ctx context.Context, uses []Use) error
}
