package oauth

import (
	"context"
	"net/url"
)

// PresentingGrant is a [Grant] that redeems a stored code or refresh token. If the
// store is a [PresentedStore], the server reads the value together with the client,
// before it authenticates the client. The grant finds the value through
// [TokenRequest.Store] as usual.
type PresentingGrant interface {
	Grant

	// Presents returns the purpose and the digest of the value in the form, or a
	// zero Spend. The server has checked nothing yet.
	Presents(form url.Values) Spend
}

// PresentedStore is a [Store] that reads a client together with the value that the
// client presents: one round trip to the database instead of two. The methods
// return [ErrNotFound] if the value is missing or was issued to another client. The
// server then reads the client alone.
//
// The methods replace [ClientStore.Client], [TokenStore.Code] and
// [TokenStore.RefreshToken], which a wrapper may have changed. So the server uses
// them only if Presenting returns the store that it was given, and neither behind a
// wrapper nor through an embedded store.
type PresentedStore interface {
	// Presenting returns the store whose methods these are.
	Presenting() Store

	ClientWithCode(ctx context.Context, clientID string, d Digest) (*Client, *Code, error)
	ClientWithRefreshToken(ctx context.Context, clientID string, d Digest) (*Client, *RefreshToken, error)
}
