package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// A grant of the application issues tokens like a built-in grant.
func TestToken_ThirdPartyGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithGrants(testkit.Voucher{}), testkit.WithAudit)
		c := s.Kiosk("refresh_token")
		spend := func(v string) *testkit.Response {
			return s.Exchange(c, "grant_type", testkit.VoucherType, "voucher", v, "scope", "read")
		}
		tok := spend("alice-1").Tokens()
		if got := s.Call(s.Guard(), "Authorization", "Bearer "+tok.Access).Told(); got.User != "alice" {
			t.Errorf("the guard returned %+v, want alice", got)
		}
		spend("alice-1").WantJSONError(400, "invalid_grant") // spent
		spend("carol-2").WantJSONError(400, "invalid_grant")
		spend("carol").WantJSONError(400, "invalid_grant")
		s.Exchange(s.Web(), "grant_type", testkit.VoucherType, "voucher", "alice-3").WantJSONError(400, "unauthorized_client")
		next := s.Refresh(c, tok.Refresh).Tokens() // its tokens work like all others
		s.WantAudit("token.issued", 2)
		if err := s.RevokeUser(t.Context(), testkit.Ref("alice")); err != nil {
			t.Fatal(err)
		}
		s.WantAdmits(next.Access, false, "revoked")
		time.Sleep(time.Second)
		tok = spend("alice-4").Tokens()
		time.Sleep(24 * time.Hour)
		s.WantAdmits(tok.Access, false, "after its family was revoked")
		s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
		s.WantBlameless()
	})
}

// Of concurrent requests with a custom one-time value, one succeeds.
func TestNeverRepeat_A1_ThirdPartyGrantInParallel(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithGrants(testkit.Voucher{}))
	c := s.Kiosk("refresh_token")
	won := 0
	for _, a := range testkit.Parallel(64, func() *testkit.Response {
		return s.Exchange(c, "grant_type", testkit.VoucherType, "voucher", "alice-1")
	}) {
		if a.Status == http.StatusOK {
			won++
			s.WantAdmits(a.Tokens().Access, true, "of the first request")
			continue
		}
		a.WantJSONError(400, "invalid_grant")
	}
	if won != 1 {
		t.Errorf("%d requests spent the voucher, want 1", won)
	}
	s.WantBlameless()
}

// The client gets the text of a grant's oauth.Error, and nothing of other errors.
func TestToken_ErrorsOfAGrant(t *testing.T) {
	var err error
	s := testkit.NewServer(t, testkit.WithGrants(testkit.GrantFunc(func(context.Context, *oauth.TokenRequest) (*oauth.Authorization, error) { return nil, err })))
	c := s.Kiosk()
	ask := func(e error) *testkit.Response {
		err = e
		return s.Exchange(c, "grant_type", testkit.VoucherType)
	}
	a := ask(fmt.Errorf("private: %w", oauth.InvalidGrant.Errorf("the voucher is torn")))
	if a.WantJSONError(400, "invalid_grant"); a.Description() != "the voucher is torn" {
		t.Errorf("error_description = %q, want only the text of the oauth.Error", a.Description())
	}
	ask(oauth.InvalidScope).WantJSONError(400, "invalid_scope")
	ask(errors.New("password of the database is hunter2")).WantJSONError(500, "server_error")
	if a := ask(errors.New("hunter2")); strings.Contains(a.Body, "hunter2") {
		t.Errorf("the response contains a private error: %s", a.Body)
	}
	if a := ask(fmt.Errorf("%w", oauth.ErrUnavailable)); a.Status != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("a grant with an unavailable store: %s, want 503 with Retry-After", a)
	}
	ask(oauth.Replayed("example.voucher", nil)).WantJSONError(400, "invalid_grant") // of a client's own token, without a family
	purged := &oauth.Family{ID: "purged", User: testkit.Ref("alice"), ClientID: c.ID}
	ask(oauth.Replayed("example.voucher", purged)).WantJSONError(400, "invalid_grant")
}

// New returns an error for invalid Config.Grants.
func TestConfig_Grants(t *testing.T) {
	config := testkit.NewServer(t).Config
	for _, grants := range [][]oauth.Grant{{testkit.Voucher{}, testkit.Voucher{}}, {named("authorization_code")}, {named("")}} {
		config.Grants = grants
		if _, err := passport.New(config); err == nil {
			t.Errorf("New() with the grants %v = nil, want an error", slices.Collect(func(yield func(string) bool) {
				for _, g := range grants {
					if !yield(g.GrantType()) {
						return
					}
				}
			}))
		}
	}
}

type named string

func (n named) GrantType() string { return string(n) }

func (named) Authorize(context.Context, *oauth.TokenRequest) (*oauth.Authorization, error) {
	return nil, oauth.InvalidGrant
}
