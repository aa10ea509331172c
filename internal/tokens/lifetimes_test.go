package tokens_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// everyGrant are the grant types of a client that may use all ways.
var everyGrant = []string{
	"authorization_code", "client_credentials", "password", "refresh_token", "implicit", "personal_access", testkit.VoucherType, testkit.GreedyType,
}

// withEveryGrant switches all grants on.
func withEveryGrant(c *passport.Config) {
	testkit.WithPasswords(c)
	testkit.WithGrants(testkit.Voucher{}, testkit.Greedy{})(c)
	testkit.WithImplicit(c)
}

// The life of an access token is the client's own, or else that of the grant type,
// or else the server's: on each way to a token, in the row, in the token, in what
// the client is told, and at the guard.
func TestLifetimes_NeverRepeat_A12_PrecedenceOnEachGrant(t *testing.T) {
	for _, w := range ways {
		if w.GrantType == "personal_access" {
			continue // see TestLifetimes_PersonalTokens
		}
		other := "client_credentials"
		if w.GrantType == other {
			other = "authorization_code"
		}
		for name, tt := range map[string]struct {
			server, grant, client time.Duration
			want                  time.Duration
		}{
			"the default":                     {want: time.Hour},
			"the server's":                    {server: 30 * time.Minute, want: 30 * time.Minute},
			"the grant's":                     {server: 30 * time.Minute, grant: 50 * time.Minute, want: 50 * time.Minute},
			"the client's":                    {server: 30 * time.Minute, client: 2 * time.Hour, want: 2 * time.Hour},
			"the client's before the grant's": {server: 30 * time.Minute, grant: 50 * time.Minute, client: 10 * time.Minute, want: 10 * time.Minute},
		} {
			t.Run(w.Name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := testkit.NewServer(t, withEveryGrant, func(c *passport.Config) {
						c.AccessTokenTTL, c.AccessTokenTTLByGrant = tt.server, map[string]time.Duration{other: time.Minute}
						if tt.grant != 0 {
							c.AccessTokenTTLByGrant[w.GrantType] = tt.grant
						}
						c.RefreshTokenTTL = 24 * time.Hour
					})
					c := s.Register(passport.Registration{GrantTypes: everyGrant, AccessTokenTTL: tt.client})
					got := w.Prepare(s, c)(s, c, "read")
					row, claims := s.Stored(t, got), testkit.ClaimsOf(t, got.Access)
					if life := row.ExpiresAt.Sub(row.IssuedAt); life != tt.want || testkit.AsText(claims["exp"]) != testkit.AsText(float64(row.ExpiresAt.Unix())) {
						t.Errorf("the row lives for %v and the token until %v, want %v of both", life, claims["exp"], tt.want)
					}
					if got.Expires != fmt.Sprint(int(tt.want.Seconds())) {
						t.Errorf("expires_in = %s, want %v", got.Expires, tt.want)
					}
					time.Sleep(tt.want - time.Second)
					s.WantAdmits(got.Access, true, "a second before expires_in is over")
					time.Sleep(time.Second)
					s.WantAdmits(got.Access, false, "when expires_in is over")
				})
			})
		}
	}
}

// What a grant itself says of its token comes before all else, and the end of the
// family before that; the client is told the truth.
func TestLifetimes_GrantAndFamily(t *testing.T) {
	for name, tt := range map[string]struct {
		grant, family, want time.Duration
	}{
		"the grant's own":                    {grant: 5 * time.Minute, want: 5 * time.Minute},
		"the grant's own, longer":            {grant: 3 * time.Hour, want: 3 * time.Hour},
		"the family's":                       {family: 4 * time.Minute, want: 4 * time.Minute},
		"the family's before the grant's":    {grant: 5 * time.Minute, family: 4 * time.Minute, want: 4 * time.Minute},
		"a family that outlives the grant's": {grant: 5 * time.Minute, family: time.Hour, want: 5 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := testkit.NewServer(t, testkit.WithGrants(testkit.GrantFunc(func(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
				return &oauth.Authorization{
					Subject: oauth.ForUser(testkit.Ref("alice")), Refresh: true, NewFamily: true, AccessTokenTTL: tt.grant,
					Family: &oauth.Family{ID: "family", User: testkit.Ref("alice"), ClientID: r.Client.ID, CreatedAt: r.Time},
				}, nil
			})))
			c := s.Register(passport.Registration{GrantTypes: []string{testkit.VoucherType, "refresh_token"}, AccessTokenTTL: 2 * time.Hour, FamilyTTL: tt.family})
			tok := s.Exchange(c, "grant_type", testkit.VoucherType).Tokens()
			if tok.Expires != int(tt.want.Seconds()) {
				t.Errorf("%s: expires_in = %d, want %v", name, tok.Expires, tt.want)
			}
			time.Sleep(tt.want - time.Second)
			s.WantAdmits(tok.Access, true, name+", a second before its end")
			time.Sleep(time.Second)
			s.WantAdmits(tok.Access, false, name+", at its end")
		})
	}
}

// A refresh token ends when it has lain unused for its time, and with its family,
// whatever was refreshed: the client's own lifetimes come before the server's.
func TestLifetimes_RT_07_RefreshTokensAndFamilies(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		server, client passport.Registration // their lifetimes
		reg            passport.Registration
		idle, family   time.Duration
	}{
		"the defaults":             {idle: 30 * day, family: 365 * day},
		"a browser application":    {reg: passport.Registration{AuthMethod: oauth.AuthNone}, idle: 30 * day, family: 30 * day},
		"a native application":     {reg: passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"http://127.0.0.1/cb"}}, idle: 30 * day, family: 365 * day},
		"the server's":             {server: passport.Registration{RefreshTokenTTL: 3 * day, FamilyTTL: 7 * day}, idle: 3 * day, family: 7 * day},
		"the client's":             {client: passport.Registration{RefreshTokenTTL: 2 * day, FamilyTTL: 5 * day}, idle: 2 * day, family: 5 * day},
		"the client's come first":  {server: passport.Registration{RefreshTokenTTL: 3 * day, FamilyTTL: 7 * day}, client: passport.Registration{RefreshTokenTTL: 4 * day, FamilyTTL: 9 * day}, idle: 4 * day, family: 9 * day},
		"the family ends it first": {client: passport.Registration{FamilyTTL: 5 * day}, idle: 5 * day, family: 5 * day},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := testkit.NewServer(t, func(c *passport.Config) {
					c.RefreshTokenTTL, c.FamilyTTL, c.RefreshTokenGrace = tt.server.RefreshTokenTTL, tt.server.FamilyTTL, -1
				})
				reg := tt.reg
				reg.RefreshTokenTTL, reg.FamilyTTL = tt.client.RefreshTokenTTL, tt.client.FamilyTTL
				c := s.Register(reg)
				unused, tok, began := s.GrantTokens(c), s.GrantTokens(c, "prompt", "consent"), time.Now()
				time.Sleep(tt.idle - time.Second)
				for time.Since(began)+tt.idle < tt.family { // it slides
					tok = s.Refresh(c, tok.Refresh).Tokens()
					time.Sleep(tt.idle - time.Second)
				}
				if tt.idle < tt.family {
					tok = s.Refresh(c, tok.Refresh).Tokens()
					time.Sleep(time.Until(began.Add(tt.family - time.Second)))
					tok = s.Refresh(c, tok.Refresh).Tokens()
					if tok.Expires != 1 {
						t.Errorf("expires_in = %d a second before the family ends, want 1", tok.Expires)
					}
				} else {
					s.Refresh(c, unused.Refresh).Tokens()
				}
				time.Sleep(time.Second)
				s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
				s.WantAdmits(tok.Access, false, "of a family that has ended")
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.RefreshTokenTTL = time.Minute })
		c := s.Web()
		first, second := s.GrantTokens(c), s.GrantTokens(c, "prompt", "consent")
		time.Sleep(time.Minute - time.Second)
		s.Refresh(c, first.Refresh).Tokens()
		time.Sleep(time.Second)
		s.Refresh(c, second.Refresh).WantJSONError(400, "invalid_grant")
	})
}

// A user chooses the life of a personal access token, up to PersonalTokenTTL.
// What ends other tokens sooner says nothing of it: its family begins with it.
func TestLifetimes_PersonalTokens(t *testing.T) {
	const day = 24 * time.Hour
	for _, format := range []passport.TokenFormat{passport.Opaque, passport.JWT} {
		for name, tt := range map[string]struct {
			cap, chosen, want time.Duration // 0 chosen: none; 0 want: refused
		}{
			"a year by default":     {want: 365 * day},
			"the server's":          {cap: 90 * day, want: 90 * day},
			"chosen":                {cap: 90 * day, chosen: 7 * day, want: 7 * day},
			"chosen, the longest":   {cap: 90 * day, chosen: 90 * day, want: 90 * day},
			"chosen, a bit longer":  {cap: 90 * day, chosen: 90*day + time.Second},
			"chosen, of the past":   {chosen: -time.Second},
			"chosen, over the year": {chosen: 366 * day},
		} {
			t.Run(string(format)+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := testkit.NewServer(t, func(c *passport.Config) {
						c.PersonalTokenTTL, c.PersonalTokenFormat = tt.cap, format
						c.AccessTokenTTL, c.FamilyTTL, c.RefreshTokenTTL = time.Minute, 2*time.Minute, time.Minute
					})
					p := passport.PersonalToken{User: testkit.Ref("alice"), Name: "Backups"}
					if tt.chosen != 0 {
						p.ExpiresAt = time.Now().Add(tt.chosen)
					}
					made, err := s.CreatePersonalToken(t.Context(), p)
					if tt.want == 0 {
						if err == nil || oauth.AsError(err).Code != oauth.InvalidRequest {
							t.Errorf("CreatePersonalToken() = %v, want invalid_request", err)
						}
						return
					}
					if err != nil || made.Token.ExpiresAt.Sub(made.Token.IssuedAt) != tt.want {
						t.Fatalf("CreatePersonalToken() = %+v, %v, want a life of %v", made, err, tt.want)
					}
					time.Sleep(tt.want - time.Second)
					s.WantAdmits(made.AccessToken, true, "a second before its end")
					time.Sleep(time.Second)
					s.WantAdmits(made.AccessToken, false, "at its end")
				})
			})
		}
	}
}

// rowStore shows the rows of access tokens otherwise than they were written: as if
// somebody had changed them since.
type rowStore struct {
	oauth.Store
	change func(*oauth.AccessToken)
}

func (s *rowStore) Unwrap() oauth.Store { return s.Store }

func (s *rowStore) AccessToken(ctx context.Context, id string) (*oauth.AccessToken, error) {
	return s.changed(s.Store.AccessToken(ctx, id))
}

func (s *rowStore) OpaqueToken(ctx context.Context, d oauth.Digest) (*oauth.AccessToken, error) {
	return s.changed(s.Store.OpaqueToken(ctx, d))
}

func (s *rowStore) changed(t *oauth.AccessToken, err error) (*oauth.AccessToken, error) {
	if err == nil && s.change != nil {
		s.change(t)
	}
	return t, err
}

// The row is the truth: an end that is written into it is obeyed at the next
// request, also while the token's signature is remembered. Taken out again, the
// token works again.
func TestLifetimes_TheRowIsTheTruth_EarlierEnd(t *testing.T) {
	for name, change := range map[string]func(*oauth.AccessToken){
		"of the token":  func(row *oauth.AccessToken) { row.ExpiresAt = time.Now() },
		"of the family": func(row *oauth.AccessToken) { row.Family.ExpiresAt = time.Now() },
	} {
		for _, w := range ways {
			if !w.ForUser && name == "of the family" {
				continue // a client's own token has none
			}
			t.Run(w.Name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := &rowStore{Store: new(memstore.Store)}
					s := testkit.NewServer(t, withEveryGrant, func(c *passport.Config) { c.Store = store })
					c := s.Register(passport.Registration{GrantTypes: everyGrant})
					token := w.Prepare(s, c)(s, c, "read").Access
					s.WantAdmits(token, true, "before")
					for _, server := range []*testkit.Server{s, s.Restart()} { // which remembers, and which does not
						store.change = change
						server.WantAdmits(token, false, "whose row has ended")
						store.change = nil
						server.WantAdmits(token, true, "whose row is as it was")
					}
				})
			})
		}
	}
	t.Run("an opaque personal access token", func(t *testing.T) {
		store := &rowStore{Store: new(memstore.Store)}
		s := testkit.NewServer(t, func(c *passport.Config) { c.Store = store })
		token := s.Personal().AccessToken
		s.WantAdmits(token, true, "before")
		store.change = func(row *oauth.AccessToken) { row.ExpiresAt = row.IssuedAt }
		s.WantAdmits(token, false, "whose row has ended")
	})
}

// No row makes a JWT live longer than it says itself: another API that verifies it
// would go by that.
func TestLifetimes_TheRowIsTheTruth_LaterEnd(t *testing.T) {
	for _, w := range ways {
		t.Run(w.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &rowStore{Store: new(memstore.Store)}
				s := testkit.NewServer(t, withEveryGrant, func(c *passport.Config) { c.Store = store })
				c := s.Register(passport.Registration{GrantTypes: everyGrant})
				got := w.Prepare(s, c)(s, c, "read")
				life := time.Until(s.Stored(t, got).ExpiresAt)
				store.change = func(row *oauth.AccessToken) {
					row.ExpiresAt = time.Now().Add(time.Hour)
					if row.Family != nil {
						row.Family.ExpiresAt = row.ExpiresAt
					}
				}
				time.Sleep(life - time.Second)
				s.WantAdmits(got.Access, true, "a second before its own end")
				time.Sleep(time.Second)
				s.WantAdmits(got.Access, false, "whose row has not ended, remembered")
				s.Restart().WantAdmits(got.Access, false, "whose row has not ended")
			})
		})
	}
}

// What is wrong with a lifetime is said when the server starts.
func TestLifetimes_Faults(t *testing.T) {
	for name, tt := range map[string]struct {
		grantType string
		ttl       time.Duration
		want      string // empty: nothing is wrong
	}{
		"one that is ours":       {"authorization_code", time.Minute, ""},
		"one that is off":        {"implicit", time.Minute, ""},
		"one of the application": {testkit.VoucherType, time.Minute, ""},
		"a response type's":      {testkit.BadgeType, time.Minute, ""},
		"a typing error":         {"autorization_code", time.Minute, `names a grant type that does not exist`},
		"personal access tokens": {"personal_access", time.Minute, "set PersonalTokenTTL"},
		"too short":              {"password", time.Millisecond, "at least a second"},
	} {
		c := testkit.PlainConfig(t)
		c.Grants, c.Responders = []oauth.Grant{testkit.Voucher{}}, []oauth.Responder{testkit.Responder(nil)}
		c.AccessTokenTTLByGrant = map[string]time.Duration{tt.grantType: tt.ttl}
		_, err := passport.New(c)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New() = %v, want %q", name, err, tt.want)
		}
	}
}
