package laravel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/oauth"
)

// payload is the content of a refresh token or a code.
type payload struct {
	ClientID  text   `json:"client_id"`
	UserID    text   `json:"user_id"`
	Scopes    scopes `json:"scopes"`
	Expires   int64  `json:"expire_time"`
	RefreshID string `json:"refresh_token_id"`
	AccessID  string `json:"access_token_id"`

	CodeID          string  `json:"auth_code_id"`
	RedirectURI     *string `json:"redirect_uri"`
	Challenge       *string `json:"code_challenge"`
	ChallengeMethod *string `json:"code_challenge_method"`
}

// text is a string, or a number that is read as one: IDs are both. Null is empty.
type text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte(`"`)) || string(raw) == "null" {
		return json.Unmarshal(raw, (*string)(t))
	}
	var n int64
	if err := json.Unmarshal(raw, &n); err != nil {
		return err
	}
	*t = text(raw)
	return nil
}

// scopes are those in a refresh token or a code. PHP writes them as in the tables.
type scopes []string

// UnmarshalJSON implements [json.Unmarshaler].
func (s *scopes) UnmarshalJSON(raw []byte) (err error) {
	*s, err = parseScopes(string(raw))
	return err
}

// parsePayload returns the content of a value for its purpose.
func parsePayload(raw []byte, purpose oauth.Purpose) (*payload, error) {
	p := new(payload)
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, errMalformed
	}
	isCode := p.CodeID != "" && p.RefreshID == ""
	isRefresh := p.RefreshID != "" && p.CodeID == ""
	switch {
	case p.ClientID == "" || p.UserID == "" || p.Expires <= 0,
		purpose == oauth.SpendCode && !isCode,
		purpose == oauth.SpendRefreshToken && !isRefresh:
		return nil, errMalformed
	}
	return p, nil
}

// validScopes returns the scopes that a token can have here. Laravel admits any text as
// the name of a scope, and the import leaves the others out.
func validScopes(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !policy.ValidScope(name) || len(name) > longestScope })
}

// longestScope is the length of the longest scope that a store keeps in a consent.
const longestScope = 255

var errMalformed = oauth.InvalidGrant.Errorf("it is neither a code nor a refresh token of Laravel Passport, or it was sent as the other one")

// unknown is the error for a value that this server does not know.
func unknown(purpose oauth.Purpose) *oauth.Error {
	if purpose == oauth.SpendCode {
		return oauth.InvalidGrant.Errorf("the code is unknown")
	}
	return oauth.InvalidGrant.Errorf("the refresh token is unknown")
}

// Open implements [feature.Foreign]. It derives keys only for a client that may still
// have such a value, and only after the switch: until then Laravel redeems and revokes it.
func (f *foreign) Open(ctx context.Context, p *feature.Presented) (feature.Opened, error) {
	client, err := f.imports.ImportedClient(ctx, p.Client.ID)
	switch {
	case errors.Is(err, oauth.ErrNotFound), err == nil && !p.Time.Before(client.CiphertextsUntil):
		return nil, fmt.Errorf("the client has no imported codes and refresh tokens that have not expired: %w", unknown(p.Purpose))
	case err != nil:
		return nil, fmt.Errorf("find imported client: %w", err)
	}
	if err := f.afterSwitch(ctx); err != nil {
		return nil, err
	}
	raw, err := f.decrypt(ctx, p)
	if errors.Is(err, errCiphertext) {
		return nil, fmt.Errorf("%w: no APP_KEY opens it; if the application had another key before (APP_PREVIOUS_KEYS), add that to app_keys, or to laravel.Compat.AppKeys: %w", feature.ErrNotOpened, unknown(p.Purpose))
	}
	if err != nil {
		return nil, err
	}
	content, err := parsePayload(raw, p.Purpose)
	if err != nil {
		return nil, err
	}
	if string(content.ClientID) != p.Client.ID {
		return nil, issuedToAnother(p.Purpose)
	}
	return &opened{f, p, content}, nil
}

func issuedToAnother(purpose oauth.Purpose) *oauth.Error {
	if purpose == oauth.SpendCode {
		return oauth.InvalidGrant.Errorf("the code was issued to another client")
	}
	return oauth.InvalidGrant.Errorf("the refresh token was issued to another client")
}

// decrypt opens a value. The rows decide whether its content may be redeemed, so the
// content itself may be remembered.
func (f *foreign) decrypt(ctx context.Context, p *feature.Presented) ([]byte, error) {
	raw, err := hex.DecodeString(p.Value)
	if err != nil {
		return nil, errCiphertext
	}
	return f.slow.do(ctx, derivation{
		key: f.digest("ciphertext", raw), at: p.Time, may: p.MayTry,
		derive: func() ([]byte, error) { return f.tryKeys(raw) },
	})
}

// tryKeys opens a ciphertext with the first key that fits.
func (f *foreign) tryKeys(raw []byte) ([]byte, error) {
	for _, key := range f.appKeys {
		if plain, err := decrypt(raw, key); !errors.Is(err, errCiphertext) {
			return plain, err
		}
	}
	return nil, errCiphertext
}

// opened is a code or refresh token of Laravel for one request.
type opened struct {
	of      *foreign
	p       *feature.Presented
	content *payload
}

// RefreshToken implements [feature.Opened]. The scopes are those in the token. The family
// of a token without an owner begins here: its ID is made from that of the token, so that
// a replay finds it.
func (o *opened) RefreshToken(ctx context.Context) (*oauth.RefreshToken, error) {
	if o.content.RefreshID == "" {
		return nil, errMalformed
	}
	d := oauth.ImportedDigest(oauth.SpendRefreshToken, o.content.RefreshID)
	t, err := o.of.reader.RefreshToken(ctx, d)
	if errors.Is(err, oauth.ErrNotFound) {
		if err = o.begin(ctx, d); err == nil {
			t, err = o.of.reader.RefreshToken(ctx, d)
		}
	}
	if err != nil {
		return nil, err
	}
	if !o.belongs(t.Family) {
		return nil, oauth.ErrNotFound
	}
	t.Scopes = o.content.Scopes
	t.ExpiresAt = earlier(t.ExpiresAt, time.Unix(o.content.Expires, 0))
	return t, nil
}

// begin begins the family of a refresh token without an owner.
func (o *opened) begin(ctx context.Context, d oauth.Digest) error {
	kept, err := o.of.imports.ImportedRefreshToken(ctx, d)
	switch {
	case err != nil:
		return err
	case !kept.RevokedAt.IsZero(), !kept.BegunAt.IsZero(): // begun, and purged since
		return oauth.InvalidGrant.Errorf("the authorization was revoked or has ended")
	case !o.p.Time.Before(kept.ExpiresAt):
		return oauth.InvalidGrant.Errorf("the refresh token has expired")
	}
	client := o.p.Client
	// When the family began is not known. A revocation before the last import must reach
	// it, so it is as old as the client.
	family := &oauth.Family{
		ID: oauth.ImportedFamilyID(o.content.RefreshID), User: o.of.user(client, string(o.content.UserID)), ClientID: client.ID,
		CreatedAt: earlier(kept.CreatedAt, client.CreatedAt), ExpiresAt: later(kept.ExpiresAt, o.p.Time.Add(o.p.FamilyLife)),
	}
	return o.of.imports.BeginImported(ctx, d, family, o.content.Scopes, o.p.Time)
}

// Code implements [feature.Opened].
func (o *opened) Code(ctx context.Context) (*oauth.Code, error) {
	if o.content.CodeID == "" {
		return nil, errMalformed
	}
	c, err := o.of.reader.Code(ctx, oauth.ImportedDigest(oauth.SpendCode, o.content.CodeID))
	if err != nil {
		return nil, err
	}
	if !o.belongs(c.Family) {
		return nil, oauth.ErrNotFound
	}
	if c.CodeChallenge, err = o.challenge(); err != nil {
		return nil, err
	}
	c.RedirectURI = ""
	if o.content.RedirectURI != nil {
		c.RedirectURI = *o.content.RedirectURI
	}
	c.Scopes = slices.DeleteFunc(slices.Clone(o.content.Scopes), func(s string) bool { return s == oauth.AllScopes })
	c.ExpiresAt = time.Unix(o.content.Expires, 0)
	return c, nil
}

// challenge returns the challenge of a code in the form of S256. The challenge of the
// method plain is the verifier itself.
func (o *opened) challenge() (string, error) {
	if o.content.Challenge == nil || *o.content.Challenge == "" {
		if o.p.Client.Public() {
			return "", oauth.InvalidGrant.Errorf("the code of a public client needs a code_challenge")
		}
		return "", nil
	}
	method := "plain"
	if o.content.ChallengeMethod != nil && *o.content.ChallengeMethod != "" {
		method = *o.content.ChallengeMethod
	}
	switch method {
	case "S256":
		return *o.content.Challenge, nil
	case "plain":
		sum := sha256.Sum256([]byte(*o.content.Challenge))
		return base64.RawURLEncoding.EncodeToString(sum[:]), nil
	}
	return "", oauth.InvalidGrant.Errorf("the code has an unknown code_challenge_method")
}

// belongs reports whether the content names the user and the client of a family.
func (o *opened) belongs(f *oauth.Family) bool {
	return f.ClientID == o.p.Client.ID && f.User.ID == string(o.content.UserID)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
