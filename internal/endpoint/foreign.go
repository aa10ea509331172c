package endpoint

import (
	"context"
	"net/url"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/oauth"
)

// presentedValue returns the code or refresh token that a form presents to a grant, and
// the digest under which the grant looks it up.
func presentedValue(g oauth.Grant, form url.Values) (purpose oauth.Purpose, value string, d oauth.Digest) {
	presenting, ok := g.(oauth.PresentingGrant)
	if !ok {
		return "", "", ""
	}
	spend := presenting.Presents(form)
	for name := range form {
		if v := form.Get(name); v != "" && oauth.Digest(spend.ID).Matches(v) {
			return spend.Purpose, v, oauth.Digest(spend.ID)
		}
	}
	return "", "", ""
}

// openForeign lets a grant find the code or refresh token of another server, if the
// request presents one.
func (e *tokenEndpoint) openForeign(ctx context.Context, g oauth.Grant, r *oauth.TokenRequest) error {
	purpose, value, d := presentedValue(g, r.Form)
	if value == "" {
		return nil
	}
	opened, err := e.Tokens.Foreign(ctx, r.Client, purpose, value, r.Time)
	if err == nil && opened != nil {
		r.Store = foreignReader{r.Store, d, opened}
	}
	return err
}

// foreignReader is the store of a request that presents a value of another server: the
// grant finds the value by its digest, like each other value.
type foreignReader struct {
	oauth.TokenReader
	digest oauth.Digest
	opened feature.Opened
}

// Code implements [oauth.TokenReader].
func (r foreignReader) Code(ctx context.Context, d oauth.Digest) (*oauth.Code, error) {
	if secret.Equal(string(d), string(r.digest)) {
		return r.opened.Code(ctx)
	}
	return r.TokenReader.Code(ctx, d)
}

// RefreshToken implements [oauth.TokenReader].
func (r foreignReader) RefreshToken(ctx context.Context, d oauth.Digest) (*oauth.RefreshToken, error) {
	if secret.Equal(string(d), string(r.digest)) {
		return r.opened.RefreshToken(ctx)
	}
	return r.TokenReader.RefreshToken(ctx, d)
}
