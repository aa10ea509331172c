package tokens

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-passport/passport/internal/opaque"
	"github.com/go-passport/passport/internal/resource"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// Verify is the verifier of the server's own guards. It checks signature and
// claims, then the stored row, which decides, and then that the user may still act.
func (s *Service) Verify(r *http.Request, bearer string) (*oauth.AccessToken, *oauth.User, error) {
	return s.verify(r, bearer, s.policy.Audience)
}

// VerifyForUserInfo is Verify for UserInfo, which admits the tokens of the server's own
// guards, and tokens for the issuer. A token for another API could be one that the API
// received, so it opens nothing here (RFC 9700 §2.3).
func (s *Service) VerifyForUserInfo(r *http.Request, bearer string) (*oauth.AccessToken, *oauth.User, error) {
	return s.verify(r, bearer, s.policy.Audience, s.issuer)
}

func (s *Service) verify(r *http.Request, bearer string, audiences ...string) (*oauth.AccessToken, *oauth.User, error) {
	now := time.Now()
	t, err := s.findToken(r.Context(), bearer, now, audiences)
	if errors.Is(err, oauth.ErrNotFound) {
		return nil, nil, oauth.InvalidToken.Errorf("the token is unknown")
	}
	if err != nil {
		return nil, nil, err
	}
	if !t.Live(now) {
		return nil, nil, oauth.InvalidToken.Errorf("the token has expired or was revoked")
	}
	if err := checkAudience(t.Audience, audiences); err != nil {
		return nil, nil, err
	}
	ref, ok := t.Subject().User()
	if !ok {
		return t, nil, nil
	}
	user, err := s.UserOf(r.Context(), ref)
	return t, user, err
}

// findToken returns the row of a token, which decides whether it may be used. It
// verifies a JWT first.
func (s *Service) findToken(ctx context.Context, bearer string, now time.Time, audiences []string) (*oauth.AccessToken, error) {
	if opaque.Is(s.opaquePrefix, bearer) {
		t, err := s.store.OpaqueToken(ctx, oauth.DigestOf(bearer))
		if err != nil {
			return nil, fmt.Errorf("find opaque access token: %w", err)
		}
		return t, nil
	}
	if s.isForeign(bearer) {
		return s.foreignToken(ctx, bearer, now)
	}
	claims, err := s.keys.Verify(bearer, s.issuer, now)
	if err != nil {
		return nil, err
	}
	if err := checkAudience(claims.Audience, audiences); err != nil {
		return nil, err
	}
	t, err := s.store.AccessToken(ctx, claims.ID)
	if err != nil {
		return nil, fmt.Errorf("find access token: %w", err)
	}
	return t, nil
}

// checkAudience refuses a token that is for none of the audiences, of which the first is
// the guard's. The audience of a token may be spelled as it was configured when the token
// was issued.
func checkAudience(audience, want []string) error {
	for _, uri := range want {
		if _, ok := resource.Find(uri, audience); ok {
			return nil
		}
	}
	shown := audience[:min(len(audience), maxAudiencesShown)]
	return fmt.Errorf("its audience is %.200q, and this guard's is %.200q: %w", shown, want[0], oauth.InvalidToken.Errorf("the token is for another resource"))
}

// maxAudiencesShown is how many audiences of a token the log names.
const maxAudiencesShown = 3

// UserOf loads the user of a token.
func (s *Service) UserOf(ctx context.Context, ref oauth.UserRef) (*oauth.User, error) {
	user, err := s.users.Load(ctx, ref)
	return user, users.GoneAs(oauth.InvalidToken, err)
}
