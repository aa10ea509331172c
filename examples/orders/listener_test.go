package main

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
)

// If a customer connects an app again, its older tokens are pruned.
func TestListener_PrunesOlderTokens(t *testing.T) {
	shop := newShop(t)
	ada, grace := shop.customer(t, "Ada").User(), shop.customer(t, "Grace").User()
	tracker := shop.auth.NewClient(passport.Registration{Name: "Order Tracker"})
	other := shop.auth.NewClient(passport.Registration{Name: "Another app"})
	graces, elsewhere := tracker.Token(grace, "check-status"), other.Token(ada, "check-status")
	personal, err := shop.auth.CreateToken(t.Context(), ref(ada), "backup script")
	if err != nil {
		t.Fatal(err)
	}

	first := tracker.Token(ada, "check-status")
	second := tracker.Token(ada, "check-status")
	wantGet(t, first.HTTPClient(), "/api/orders", http.StatusUnauthorized)
	if _, err := tracker.Refresh(first); err == nil {
		t.Error("the refresh token of a pruned token works")
	}
	wantGet(t, second.HTTPClient(), "/api/orders", http.StatusOK)
	wantGet(t, graces.HTTPClient(), "/api/orders", http.StatusOK)
	wantGet(t, elsewhere.HTTPClient(), "/api/orders", http.StatusOK)

	third, err := tracker.Refresh(second) // of the same consent: nothing to prune
	if err != nil {
		t.Fatal(err)
	}
	wantGet(t, second.HTTPClient(), "/api/orders", http.StatusOK)
	wantGet(t, third.HTTPClient(), "/api/orders", http.StatusOK)

	if _, err := shop.auth.CreateToken(t.Context(), ref(ada), "another script"); err != nil {
		t.Fatal(err)
	}
	wantGet(t, third.HTTPClient(), "/api/orders", http.StatusOK)
	for token, err := range shop.auth.Tokens(t.Context(), ref(ada)) {
		if err != nil {
			t.Fatal(err)
		}
		if token.ID == personal.Token.ID && !token.Live(time.Now()) {
			t.Error("a personal token was pruned")
		}
	}
}

// An expired access token is pruned, too, because its refresh token is still valid.
func TestListener_PrunesExpiredTokensWithTheirRefreshTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shop := newShop(t)
		ada := shop.customer(t, "Ada").User()
		tracker := shop.auth.NewClient(passport.Registration{Name: "Order Tracker"})
		first := tracker.Token(ada, "check-status")
		time.Sleep(2 * time.Hour)
		tracker.Token(ada, "check-status")
		if _, err := tracker.Refresh(first); err == nil {
			t.Error("the refresh token of an expired access token was not pruned")
		}
	})
}

// An older consent that is redeemed later does not prune newer tokens.
func TestListener_LeavesNewerTokensAlone(t *testing.T) {
	shop := newShop(t)
	ada := shop.customer(t, "Ada").User()
	tracker := shop.auth.NewClient(passport.Registration{Name: "Order Tracker"})
	early := tracker.AuthorizationCode(ada, "check-status")
	late := tracker.Token(ada, "check-status")
	if _, err := tracker.Exchange(early); err != nil {
		t.Fatal(err)
	}
	wantGet(t, late.HTTPClient(), "/api/orders", http.StatusOK)
}
