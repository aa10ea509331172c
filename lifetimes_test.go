package passport_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// What a grant is given by the client beats what the server gives it, and that
// beats what the server gives all.
func TestLifetimes_ClientBeatsGrantBeatsServer(t *testing.T) {
	own := passport.Registration{
		GrantTypes:     []string{"authorization_code", "refresh_token", "client_credentials"},
		AccessTokenTTL: 3 * time.Minute, RefreshTokenTTL: 4 * time.Hour, FamilyTTL: 5 * time.Hour,
	}
	plain := passport.Registration{GrantTypes: own.GrantTypes}
	byGrant := map[string]time.Duration{"client_credentials": 7 * time.Minute, "refresh_token": 8 * time.Minute}
	for name, tt := range map[string]struct {
		reg                      passport.Registration
		byGrant                  map[string]time.Duration
		machine, code, refreshed int
	}{
		"the server's":        {plain, nil, 3600, 3600, 3600},
		"those of grants":     {plain, byGrant, 420, 3600, 480},
		"the client's own":    {own, nil, 180, 180, 180},
		"the client's before": {own, byGrant, 180, 180, 180},
	} {
		s := newServer(t, func(c *passport.Config) { c.AccessTokenTTLByGrant = tt.byGrant })
		c := s.register(tt.reg)
		tok := s.grantTokens(c)
		got := []int{s.exchange(c, "grant_type", "client_credentials").tokens().Expires, tok.Expires, s.refresh(c, tok.Refresh).tokens().Expires}
		if got[0] != tt.machine || got[1] != tt.code || got[2] != tt.refreshed {
			t.Errorf("%s: client_credentials, code and refresh say they expire in %v s, want %d, %d and %d", name, got, tt.machine, tt.code, tt.refreshed)
		}
	}
}

// A refresh token that lies unused, and a consent, end when the client's own time
// is over.
func TestLifetimes_RefreshTokenAndFamilyOfAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := s.register(passport.Registration{RefreshTokenTTL: 4 * time.Hour, FamilyTTL: 10 * time.Hour})
		idle, used := s.grantTokens(c), s.grantTokens(c, "prompt", "consent")
		time.Sleep(4*time.Hour - time.Second)
		used = s.refresh(c, used.Refresh).tokens()
		time.Sleep(time.Second)
		s.refresh(c, idle.Refresh).wantJSONError(400, "invalid_grant")
		time.Sleep(3 * time.Hour)
		used = s.refresh(c, used.Refresh).tokens()
		time.Sleep(2*time.Hour + 30*time.Minute)
		used = s.refresh(c, used.Refresh).tokens()
		if used.Expires != 30*60 {
			t.Errorf("half an hour before the end of the consent, an access token expires in %d s", used.Expires)
		}
		time.Sleep(30 * time.Minute)
		s.wantAdmits(used.Access, false, "when the consent has ended")
		s.refresh(c, used.Refresh).wantJSONError(400, "invalid_grant")
	})
}

// A personal token lives as long as the server lets it, and its family no longer.
func TestLifetimes_PersonalToken(t *testing.T) {
	s := newServer(t, func(c *passport.Config) { c.PersonalTokenTTL = 48 * time.Hour })
	made := s.personal()
	if life := made.Token.ExpiresAt.Sub(made.Token.IssuedAt); life != 48*time.Hour {
		t.Errorf("a personal token lives %v, want the 48 h of PersonalTokenTTL", life)
	}
	if made.Token.Family.ExpiresAt != made.Token.ExpiresAt {
		t.Errorf("its family lives until %v, and it until %v", made.Token.Family.ExpiresAt, made.Token.ExpiresAt)
	}
}

// endingStore says of every row that it ends at a time.
type endingStore struct {
	oauth.Store
	end    time.Time
	family bool // that of the family
}

func (e *endingStore) Unwrap() oauth.Store { return e.Store }

func (e *endingStore) changed(t *oauth.AccessToken, err error) (*oauth.AccessToken, error) {
	if err != nil || e.end.IsZero() {
		return t, err
	}
	if e.family {
		t.Family.ExpiresAt = e.end
	} else {
		t.ExpiresAt = e.end
	}
	return t, nil
}

func (e *endingStore) AccessToken(ctx context.Context, id string) (*oauth.AccessToken, error) {
	return e.changed(e.Store.AccessToken(ctx, id))
}

func (e *endingStore) OpaqueToken(ctx context.Context, d oauth.Digest) (*oauth.AccessToken, error) {
	return e.changed(e.Store.OpaqueToken(ctx, d))
}

// The row is the truth: "the expires_at columns are for display purposes only"
// does not hold here. An earlier end in it is obeyed at once, also by a guard that
// has seen the token before; a later one never makes a JWT live longer than it
// says itself.
func TestLifetimes_TheRowIsTheTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &endingStore{Store: new(memstore.Store)}
		s := newServer(t, func(c *passport.Config) { c.Store = store })
		jwt, opaque := s.grantTokens(s.web()).Access, s.personal().AccessToken
		for _, family := range []bool{false, true} {
			for name, token := range map[string]string{"a JWT": jwt, "an opaque token": opaque} {
				store.family, store.end = family, time.Time{}
				s.wantAdmits(token, true, name+" as it was issued")
				store.end = time.Now()
				s.wantAdmits(token, false, name+" whose row ends now")
				store.end = time.Now().Add(time.Second)
				s.wantAdmits(token, true, name+" whose row ends in a second")
			}
		}
		store.family, store.end = false, time.Now().Add(1000*time.Hour)
		time.Sleep(time.Hour - time.Second)
		s.wantAdmits(jwt, true, "a JWT in its last second")
		time.Sleep(time.Second)
		s.wantAdmits(jwt, false, "a JWT whose row ends later than it says itself")
	})
}

// One token, or its refresh tokens: either call ends both, for the guard, for a
// refresh, and for what was refreshed since.
func TestRevokeRefreshTokensOf_EndsWhatWasRefreshedSince(t *testing.T) {
	for name, revoke := range map[string]func(*passport.Server, context.Context, string) error{
		"RevokeToken": (*passport.Server).RevokeToken, "RevokeRefreshTokensOf": (*passport.Server).RevokeRefreshTokensOf,
	} {
		s := newServer(t)
		c := s.web()
		first := s.grantTokens(c)
		second := s.refresh(c, first.Refresh).tokens()
		id := claimsOf(t, first.Access)["jti"].(string)
		if err := revoke(s.Server, t.Context(), id); err != nil {
			t.Fatal(err)
		}
		s.wantAdmits(first.Access, false, name)
		s.wantAdmits(second.Access, false, name+", refreshed since")
		s.refresh(c, second.Refresh).wantJSONError(400, "invalid_grant")
		got := eventsOf[passport.Revoked](s)
		if len(got) != 1 || got[0].User != ref("alice") || got[0].ClientID != c.ID || got[0].TokenID != id {
			t.Errorf("%s: the event is %+v, want user, client and token", name, got)
		}
		if err := revoke(s.Server, t.Context(), "nothing"); err == nil {
			t.Errorf("%s of a token that is not there is no error", name)
		}
	}
}
