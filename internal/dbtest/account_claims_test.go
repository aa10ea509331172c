package dbtest_test

import (
	"database/sql"
	"net/url"
	"testing"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// The address is verified only if the user confirmed it with the link for that, or the
// operator did. Other links may travel in another way than by mail.
func TestAccountClaims_OI_102_EmailVerified(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada, v := s.ada(), s.visitor("192.0.2.1")
		claims := func(id string) openid.Claims {
			t.Helper()
			u, err := s.UserByID(t.Context(), id)
			must(t, err)
			c, err := account.Claims(t.Context(), u, new(oauth.Client), []string{"openid"})
			must(t, err)
			return c
		}
		if got := claims(ada.ID); got.Email != ada.Email || got.EmailVerified || got.Name != ada.Name || !got.UpdatedAt.Equal(ada.CreatedAt) {
			t.Errorf("the claims of a new account are %+v, want the address, not verified", got)
		}
		reset, err := s.ResetLink(t.Context(), ada.ID)
		must(t, err)
		v.choose(reset, newPassword)
		invitation, err := s.Invite(t.Context(), "grace@example.com", "")
		must(t, err)
		v.choose(invitation, newPassword)
		if claims(ada.ID).EmailVerified || claims(invitation.User.ID).EmailVerified {
			t.Error("a link to choose a password verified the address")
		}
		if got := claims(invitation.User.ID); got.Name != "" {
			t.Errorf("the name of an account without one is %q, want none: the address has its own scope", got.Name)
		}
		l, err := s.VerifyLink(t.Context(), ada.ID)
		must(t, err)
		v.post("/verify-email", url.Values{"token": {tokenOf(t, l)}})
		if got := claims(ada.ID); !got.EmailVerified || !got.UpdatedAt.After(ada.CreatedAt) {
			t.Errorf("the claims after the user confirmed the address are %+v, want it verified", got)
		}
		confirmed, err := s.ConfirmEmail(t.Context(), invitation.User.ID)
		must(t, err)
		if !claims(confirmed.ID).EmailVerified || confirmed.EmailVerifiedAt.IsZero() {
			t.Errorf("the operator confirmed an address, and the account is %+v", confirmed)
		}
		again, err := s.ConfirmEmail(t.Context(), confirmed.ID)
		if err != nil || !again.EmailVerifiedAt.Equal(confirmed.EmailVerifiedAt) {
			t.Errorf("a second confirmation: %+v, %v, want the time of the first", again, err)
		}
		if _, err := s.ConfirmEmail(t.Context(), "unknown"); !isNotFound(err) {
			t.Errorf("ConfirmEmail() of an unknown account = %v, want ErrNotFound", err)
		}
	})
	foreign, err := account.Claims(t.Context(), &oauth.User{ID: "1", Email: "a@example.com"}, nil, nil)
	if err != nil || foreign.Email != "" {
		t.Errorf("the claims of a user of another provider are %+v, %v, want none", foreign, err)
	}
}
