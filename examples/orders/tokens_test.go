package main

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

func TestExpiredTokensAreRefused(t *testing.T) {
	shop := newShop(t)
	ada := shop.customer(t, "Ada")
	tracker := shop.auth.NewClient(passport.Registration{Name: "Order Tracker"})

	token := tracker.Token(ada.User(), "check-status") // signs in, consents, and redeems the code
	wantGet(t, token.HTTPClient(), "/api/orders", http.StatusOK)

	shop.auth.Expire(token.ID)
	wantGet(t, token.HTTPClient(), "/api/orders", http.StatusUnauthorized)

	fresh, err := tracker.Refresh(token)
	if err != nil {
		t.Fatal(err)
	}
	wantGet(t, fresh.HTTPClient(), "/api/orders", http.StatusOK)
}

func TestRevokedTokensAreRefused(t *testing.T) {
	shop := newShop(t)
	ada := shop.customer(t, "Ada")
	token := shop.auth.Token(ada.User(), "check-status")
	if err := shop.auth.RevokeUser(t.Context(), ref(ada.User())); err != nil {
		t.Fatal(err)
	}
	wantGet(t, token.HTTPClient(), "/api/orders", http.StatusUnauthorized)
}

func TestAStolenCodeEndsTheTokens(t *testing.T) {
	shop := newShop(t)
	ada := shop.customer(t, "Ada")
	tracker := shop.auth.NewClient(passport.Registration{Name: "Order Tracker"})

	code := tracker.AuthorizationCode(ada.User(), "check-status")
	token, err := tracker.Exchange(code)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tracker.Exchange(code); !errors.Is(err, oauth.InvalidGrant) {
		t.Errorf("Exchange() of a used code = %v, want invalid_grant", err)
	}
	wantGet(t, token.HTTPClient(), "/api/orders", http.StatusUnauthorized)
}

// In a bubble of testing/synctest, the shop, its database and the server share a
// fake clock.
func TestConnectedForAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shop := newShop(t)
		ada := shop.customer(t, "Ada")
		tracker := shop.auth.NewClient(passport.Registration{Name: "Order Tracker"})
		token := tracker.Token(ada.User(), "check-status")

		time.Sleep(time.Hour)
		wantGet(t, token.HTTPClient(), "/api/orders", http.StatusUnauthorized)

		time.Sleep(29 * 24 * time.Hour)
		token, err := tracker.Refresh(token)
		if err != nil {
			t.Fatal(err)
		}
		wantGet(t, token.HTTPClient(), "/api/orders", http.StatusOK)

		time.Sleep(31 * 24 * time.Hour)
		if _, err := tracker.Refresh(token); !errors.Is(err, oauth.InvalidGrant) {
			t.Errorf("Refresh() after 31 days = %v, want invalid_grant", err)
		}
	})
}

var shownToken = regexp.MustCompile(`<code>([^<]+)</code>`)

// A customer signs in at the shop's page and creates a token for a script.
func TestPersonalTokens(t *testing.T) {
	shop := newShop(t)
	shop.customer(t, "Ada")
	browser := shop.auth.HTTPClient()

	res, err := browser.PostForm("/login", url.Values{"email": {"ada@example.com"}, "password": {"correct horse"}})
	if err != nil {
		t.Fatal(err)
	}
	wantResponse(t, "signing in", res, http.StatusOK, "Hello, Ada", "no tokens yet")

	res, err = browser.PostForm("/settings/tokens", url.Values{"name": {"backup script"}, "scope": {"check-status"}})
	if err != nil {
		t.Fatal(err)
	}
	page := wantResponse(t, "creating a token", res, http.StatusOK, "backup script")
	created := shownToken.FindStringSubmatch(page)
	if created == nil {
		t.Fatalf("the page lacks the token: %s", page)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", "/api/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+created[1])
	if res, err = shop.auth.HTTPClient().Do(r); err != nil {
		t.Fatal(err)
	}
	wantResponse(t, "the script", res, http.StatusOK)
	wantGet(t, browser, "/", http.StatusOK, "backup script")
	res, err = browser.PostForm("/settings/tokens", url.Values{"name": {"too much"}, "scope": {"everything"}})
	if err != nil {
		t.Fatal(err)
	}
	wantResponse(t, "an unknown scope", res, http.StatusUnprocessableEntity, "the scope everything does not exist")
}
