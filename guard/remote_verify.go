package guard

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/authserver"
	"github.com/go-passport/passport/internal/opaque"
	"github.com/go-passport/passport/internal/resource"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// verify is a [Verifier]. It verifies a JWT locally, and asks the server about an opaque
// token, or about every token if Introspect is set.
func (r *Remote) verify(req *http.Request, bearer string) (*oauth.AccessToken, *oauth.User, error) {
	claims, err := r.claims(req.Context(), bearer)
	if err != nil {
		return nil, nil, err
	}
	t, err := r.record(claims)
	if err != nil || t.Family == nil {
		return t, nil, err
	}
	user, err := r.user(req.Context(), t.Family)
	return t, user, err
}

// claims returns the claims of a token that is valid now, for this API.
func (r *Remote) claims(ctx context.Context, bearer string) (t authserver.Token, err error) {
	jwt := isJWT(bearer)
	switch {
	case jwt && r.Introspect > 0 && !namesKey(bearer):
		// It isn't a token that the server has signed, but the server may accept it:
		// imported tokens are such tokens.
	case jwt:
		if t, err = r.server.Verify(ctx, bearer); err != nil {
			return t, err
		}
		if err := r.checkAudience(t.Audience); err != nil || r.Introspect == 0 {
			return t, err
		}
	case !opaque.HasForm(bearer): // no server issued it, so it is not asked
		return t, fmt.Errorf("the token has neither the form of a JWT nor of an opaque token: %w", oauth.InvalidToken.Errorf("the token is unknown"))
	}
	if t, err = r.server.Introspect(ctx, bearer); err != nil {
		return t, err
	}
	return t, r.checkAudience(t.Audience)
}

// namesKey reports whether the header of a JWT names a key, as those of the server do.
func namesKey(bearer string) bool {
	encoded, _, _ := strings.Cut(bearer, ".")
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	var header struct {
		KeyID string `json:"kid"`
	}
	return err != nil || json.Unmarshal(raw, &header) != nil || header.KeyID != ""
}

// isJWT reports whether a token has three parts, of which the first can be a JSON object
// in base64url.
func isJWT(bearer string) bool {
	return strings.HasPrefix(bearer, "eyJ") && strings.Count(bearer, ".") == 2
}

// maxAudiencesShown is how many audiences of a token the log names.
const maxAudiencesShown = 3

func (r *Remote) checkAudience(audience []string) error {
	if _, ok := resource.Find(r.Audience, audience); ok {
		return nil
	}
	shown := audience[:min(len(audience), maxAudiencesShown)]
	return fmt.Errorf("its audience is %.200q, and this API's is %.200q: %w", shown, r.Audience, oauth.InvalidToken.Errorf("the token is for another resource"))
}

// record returns a token as a guard and its rules see it. The subject says whether it is
// a user's or a client's own (RFC 9068 §5).
func (r *Remote) record(c authserver.Token) (*oauth.AccessToken, error) {
	t := &oauth.AccessToken{
		ID: c.ID, Client: &oauth.Client{ID: c.ClientID}, Scopes: strings.Fields(c.Scope), Audience: c.Audience,
		IssuedAt: time.Unix(c.IssuedAt, 0), ExpiresAt: time.Unix(c.Expires, 0), InheritScopes: r.InheritScopes,
	}
	if c.Subject == oauth.ForClient().Claim(c.ClientID) {
		return t, nil
	}
	provider, id, ok := strings.Cut(c.Subject, ":")
	if !ok || provider == "" || provider == "client" || id == "" {
		return nil, fmt.Errorf("its subject is %.200q: %w", c.Subject, oauth.InvalidToken.Errorf("the subject of the token is not valid"))
	}
	t.Family = &oauth.Family{User: oauth.UserRef{Provider: provider, ID: id}, ClientID: c.ClientID, ExpiresAt: t.ExpiresAt}
	if c.AuthTime > 0 {
		t.Family.AuthTime = time.Unix(c.AuthTime, 0)
	}
	return t, nil
}

// user returns the account of a token's user.
func (r *Remote) user(ctx context.Context, f *oauth.Family) (*oauth.User, error) {
	if r.Users == nil {
		return &oauth.User{ID: f.User.ID}, nil
	}
	user, err := users.Load(ctx, func(string) oauth.UserProvider { return provided{r.Users, f.User.Provider} }, f.User)
	return user, users.GoneAs(oauth.InvalidToken, err)
}

// provided is one provider of Remote.Users. An API has no browser session and no sign-in
// page.
type provided struct {
	find     func(context.Context, oauth.UserRef) (*oauth.User, error)
	provider string
}

// UserByID implements [oauth.UserProvider].
func (p provided) UserByID(ctx context.Context, id string) (*oauth.User, error) {
	return p.find(ctx, oauth.UserRef{Provider: p.provider, ID: id})
}

// CurrentUser implements [oauth.UserProvider].
func (provided) CurrentUser(*http.Request) (*oauth.User, error) { return nil, oauth.ErrNotFound }

// SignInURL implements [oauth.UserProvider].
func (provided) SignInURL(*http.Request, string) string { return "" }
