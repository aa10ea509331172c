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

// everyGrant has the grant types of a client that may use every grant.
var everyGrant = []string{
	"authorization_code", "client_credentials", "password", "refresh_token", "implicit", "personal_access", testkit.VoucherType, testkit.GreedyType,
}

// withEveryGrant enables all grants.
func withEveryGrant(c *passport.Config) {
	testkit.WithPasswords(c)
	testkit.WithGrants(testkit.Voucher{}, testkit.Greedy{})(c)
	testkit.WithImplicit(c)
}

// The lifetime of an access token is that of the client, else of the grant type, else of
// the server. Each grant, the row, the token, expires_in and the guard agree.
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
						t.Errorf("lifetime of the row = %v, exp = %v, want %v for both", life, claims["exp"], tt.want)
					}
					if got.Expires != fmt.Sprint(int(tt.want.Seconds())) {
						t.Errorf("expires_in = %s, want %v", got.Expires, tt.want)
					}
					time.Sleep(tt.want - time.Second)
					s.WantAdmits(got.Access, true, "a second before it expires")
					time.Sleep(time.Second)
					s.WantAdmits(got.Access, false, "when it has expired")
				})
			})
		}
	}
}

// The lifetime that a grant sets takes precedence, but the token never outlives its family.
// expires_in has the result.
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
			s.WantAdmits(tok.Access, true, name+", a second before it expires")
			time.Sleep(time.Second)
			s.WantAdmits(tok.Access, false, name+", when it has expired")
		})
	}
}

// A refresh token expires if it is unused for its lifetime, and with its family. The
// client's lifetimes take precedence over the server's.
func TestLifetimes_RT_07_RefreshTokensAndFamilies(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		server, client passport.Registration // their lifetimes
		reg            passport.Registration
		idle, family   time.Duration
	}{
		"the defaults":          {idle: 30 * day, family: 365 * day},
		"a browser application": {reg: passport.Registration{AuthMethod: oauth.AuthNone}, idle: 30 * day, family: 30 * day},
		"a native application":  {reg: passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"http://127.0.0.1/cb"}}, idle: 30 * day, family: 365 * day},
		"the server's":          {server: passport.Registration{RefreshTokenTTL: 3 * day, FamilyTTL: 7 * day}, idle: 3 * day, family: 7 * day},
		"the client's":          {client: passport.Registration{RefreshTokenTTL: 2 * day, FamilyTTL: 5 * day}, idle: 2 * day, family: 5 * day},
		"client over server":    {server: passport.Registration{RefreshTokenTTL: 3 * day, FamilyTTL: 7 * day}, client: passport.Registration{RefreshTokenTTL: 4 * day, FamilyTTL: 9 * day}, idle: 4 * day, family: 9 * day},
		"the family ends first": {client: passport.Registration{FamilyTTL: 5 * day}, idle: 5 * day, family: 5 * day},
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
				for time.Since(began)+tt.idle < tt.family { // each refresh extends it
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

// A user chooses the lifetime of a personal access token, up to PersonalTokenTTL. The
// lifetimes of other tokens and families do not affect it.
func TestLifetimes_PersonalTokens(t *testing.T) {
	const day = 24 * time.Hour
	for _, format := range []passport.TokenFormat{passport.Opaque, passport.JWT} {
		for name, tt := range map[string]struct {
			cap, chosen, want time.Duration // chosen 0: none; want 0: an error
		}{
			"a year by default":     {want: 365 * day},
			"the server's":          {cap: 90 * day, want: 90 * day},
			"chosen":                {cap: 90 * day, chosen: 7 * day, want: 7 * day},
			"chosen, the limit":     {cap: 90 * day, chosen: 90 * day, want: 90 * day},
			"chosen, too long":      {cap: 90 * day, chosen: 90*day + time.Second},
			"chosen, in the past":   {chosen: -time.Second},
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
					created, err := s.CreatePersonalToken(t.Context(), p)
					if tt.want == 0 {
						if err == nil || oauth.AsError(err).Code != oauth.InvalidRequest {
							t.Errorf("CreatePersonalToken() = %v, want invalid_request", err)
						}
						return
					}
					if err != nil || created.Token.ExpiresAt.Sub(created.Token.IssuedAt) != tt.want {
						t.Fatalf("CreatePersonalToken() = %+v, %v, want a lifetime of %v", created, err, tt.want)
					}
					time.Sleep(tt.want - time.Second)
					s.WantAdmits(created.AccessToken, true, "a second before it expires")
					time.Sleep(time.Second)
					s.WantAdmits(created.AccessToken, false, "when it has expired")
				})
			})
		}
	}
}

// rowStore changes the rows of access tokens when they are read.
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

// The row decides. An earlier expiry in the row takes effect at the next request, even if
// the token's signature is cached. Without it, the token works again.
func TestLifetimes_RowDecides_EarlierExpiry(t *testing.T) {
	for name, change := range map[string]func(*oauth.AccessToken){
		"of the token":  func(row *oauth.AccessToken) { row.ExpiresAt = time.Now() },
		"of the family": func(row *oauth.AccessToken) { row.Family.ExpiresAt = time.Now() },
	} {
		for _, w := range ways {
			if !w.ForUser && name == "of the family" {
				continue // a client's own token has no family
			}
			t.Run(w.Name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := &rowStore{Store: new(memstore.Store)}
					s := testkit.NewServer(t, withEveryGrant, func(c *passport.Config) { c.Store = store })
					c := s.Register(passport.Registration{GrantTypes: everyGrant})
					token := w.Prepare(s, c)(s, c, "read").Access
					s.WantAdmits(token, true, "before")
					for _, server := range []*testkit.Server{s, s.Restart()} { // with and without a cached signature
						store.change = change
						server.WantAdmits(token, false, "whose row has expired")
						store.change = nil
						server.WantAdmits(token, true, "whose row is unchanged")
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
		s.WantAdmits(token, false, "whose row has expired")
	})
}

// A later expiry in the row does not extend a JWT, because other APIs check only its exp.
func TestLifetimes_RowDecides_LaterExpiry(t *testing.T) {
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
				s.WantAdmits(got.Access, true, "a second before its exp")
				time.Sleep(time.Second)
				s.WantAdmits(got.Access, false, "whose row is still live, with a cached signature")
				s.Restart().WantAdmits(got.Access, false, "whose row is still live")
			})
		})
	}
}

// New returns an error for an invalid lifetime.
func TestLifetimes_Faults(t *testing.T) {
	for name, tt := range map[string]struct {
		grantType string
		ttl       time.Duration
		want      string // empty: no error
	}{
		"a built-in grant":       {"authorization_code", time.Minute, ""},
		"a disabled grant":       {"implicit", time.Minute, ""},
		"an application's grant": {testkit.VoucherType, time.Minute, ""},
		"a response type's":      {testkit.BadgeType, time.Minute, ""},
		"a typo":                 {"autorization_code", time.Minute, `names a grant type that does not exist`},
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
