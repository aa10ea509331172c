package dbtest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/laravel"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// A refresh token that Laravel revokes is refused after the switch, also if an import
// before has ended its access token alone.
func TestLaravelImport_LP_3_RefreshTokenRevokedLater(t *testing.T) {
	for name, c := range map[string]struct{ token, before string }{
		"after its access token was revoked": {token: "access_revoked_refresh_live"},
		"after its access token was purged":  {"rotated_new", "DELETE FROM oauth_access_tokens WHERE id = '%s'"},
	} {
		t.Run(name, func(t *testing.T) {
			eachTarget(t, func(t *testing.T, i *imported) {
				if c.before != "" {
					i.sql(fmt.Sprintf(c.before, i.jti(c.token)))
					i.run()
				}
				i.sql("UPDATE oauth_refresh_tokens SET revoked = TRUE WHERE id = '" + i.refreshID(c.token) + "'")
				i.run()
				i.config.Switch, i.config.Now = true, nil
				i.run()
				s := laravelServer(t, i.store, laravel.Compat{})
				if status, body := tokenRequest(t, s, readAnswers(t).RefreshTokens[c.token].form()); status == http.StatusOK {
					t.Errorf("a refresh token that Laravel has revoked = %d %v, want a refusal", status, body)
				}
			})
		})
	}
}

// early is a store that says that the switch has happened.
type early struct{ *sqlstore.Store }

// ImportNote implements [oauth.ImportStore].
func (s early) ImportNote(ctx context.Context, name string) (string, error) {
	if name == oauth.ImportSwitched {
		return time.Now().Format(time.RFC3339Nano), nil
	}
	return s.Store.ImportNote(ctx, name)
}

// A server without laravel.Compat issues tokens to imported clients before the switch. A
// late switch does not end them, and not those in the family of an imported refresh token
// either.
func TestLaravelImport_LP_3_LateSwitch(t *testing.T) {
	eachTarget(t, func(t *testing.T, i *imported) {
		i.config.Now = nil
		without := laravelServer(t, i.store, laravel.Compat{}, func(c *passport.Config) { c.Features = nil })
		inFamily := laravelServer(t, early{i.store}, laravel.Compat{})
		answers := readAnswers(t)
		client := answers.Clients["password"]
		password := testkit.Set(url.Values{}, "grant_type", "password", "username", "1", "password", testkit.PasswordOf("1"), "client_id", fmt.Sprint(client.ID), "client_secret", client.Secret)
		issued := map[*passport.Server]string{}
		for s, form := range map[*passport.Server]url.Values{without: password, inFamily: answers.RefreshTokens["rotated_new"].form()} {
			status, tokens := tokenRequest(t, s, form)
			if status != http.StatusOK {
				t.Fatalf("a token request before the switch = %d %v, want tokens", status, tokens)
			}
			issued[s] = fmt.Sprint(tokens["access_token"])
		}
		i.config.Switch = true
		i.run()
		for s, token := range issued {
			if got := guardStatus(s.Guard(), token); got != http.StatusOK {
				t.Errorf("the guard responds %d to a token of this server after the switch, want 200", got)
			}
		}
	})
}

// A purge during the first import keeps an expired access token whose refresh token is not
// stored yet.
func TestPurge_LP_3_DuringTheFirstImport(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		t.Parallel()
		db := dbtest.Open(t, d)
		s := migrated(t, db, d)
		b := stagedBatch("a")
		client := newClient("c")
		b.Clients = []*oauth.ImportedClient{{Client: client}}
		b.Families[0].ExpiresAt = now.Add(365 * 24 * time.Hour)
		b.AccessTokens[0].ExpiresAt = now.Add(-10 * 24 * time.Hour)
		b.RefreshTokens[0].ExpiresAt = now.Add(30 * 24 * time.Hour)
		must(t, s.DuringImport(t.Context(), noPhase, func(save saveBatch) error {
			must(t, save(t.Context(), b))
			_, err := s.Purge(t.Context(), oauth.EndedBefore(now.Add(-7*24*time.Hour)), 1000)
			return err
		}))
		if ids := column(t, db, `SELECT id FROM oauth_access_tokens`); len(ids) != 1 {
			t.Errorf("after a purge during the first import the access tokens are %v, want the one whose refresh token lives", ids)
		}
	})
}
