package main

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/passporttest"
	"github.com/go-passport/passport/sqlstore"
	"github.com/go-passport/passport/storetest"
)

// shopTest is the shop for tests.
type shopTest struct {
	*passporttest.Server
	records oauth.Store
}

func newShop(t *testing.T, store oauth.Store) *shopTest {
	t.Helper()
	config := settings(store)
	auth := passporttest.NewServer(t, config)
	auth.Serve(application(auth.Server))
	return &shopTest{auth, config.Store}
}

// eachStore runs a test with a store in memory and with one in SQLite: the wrapper
// works with both.
func eachStore(t *testing.T, test func(t *testing.T, shop *shopTest)) {
	t.Run("memory", func(t *testing.T) { test(t, newShop(t, new(memstore.Store))) })
	t.Run("SQLite", func(t *testing.T) {
		db, err := sql.Open("sqlite", sqlstore.SQLiteDSN(filepath.Join(t.TempDir(), "models.db")))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		store := sqlstore.New(db, sqlstore.SQLite)
		if err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		test(t, newShop(t, store))
	})
}

func wantStatus(t *testing.T, client *http.Client, path string, status int) *http.Response {
	t.Helper()
	res, err := client.Get(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != status {
		t.Errorf("GET %s = %s, want %d", path, res.Status, status)
	}
	return res
}

// claim returns a claim of a JWT.
func claim(t *testing.T, token, name string) any {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	claims := map[string]any{}
	if err := errors.Join(err, json.Unmarshal(payload, &claims)); err != nil {
		t.Fatal(err)
	}
	return claims[name]
}

func TestAttributes_OfACodeReachItsTokens(t *testing.T) {
	eachStore(t, func(t *testing.T, shop *shopTest) {
		tracker := shop.NewClient(passport.Registration{Name: "Order Tracker"})
		form := tracker.AuthorizationCode(shop.User("2"), "check-status")
		code, err := shop.records.Code(t.Context(), oauth.DigestOf(form.Get("code")))
		if err != nil || code.Attributes["branch"] != "new-york" {
			t.Fatalf("the code is %+v, %v, want the branch of its customer", code, err)
		}

		token, err := tracker.Exchange(form)
		for renewals := range 3 {
			if err != nil {
				t.Fatal(err)
			}
			row, err1 := shop.records.AccessToken(t.Context(), token.ID)
			refresh, err2 := shop.records.RefreshToken(t.Context(), oauth.DigestOf(token.RefreshToken))
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			if row.Attributes["branch"] != "new-york" || refresh.Attributes["branch"] != "new-york" {
				t.Errorf("after %d renewals the tokens have %v and %v, want the branch in both", renewals, row.Attributes, refresh.Attributes)
			}
			if got, want := refresh.Attributes["renewals"], []string{"", "1", "2"}[renewals]; got != want {
				t.Errorf("after %d renewals the refresh token has the count %q, want %q", renewals, got, want)
			}
			if got := claim(t, token.AccessToken, "branch"); got != "new-york" {
				t.Errorf("after %d renewals the claim is %v, want the branch", renewals, got)
			}
			var body struct{ Branch string }
			res := wantStatus(t, token.HTTPClient(), "/api/branch", http.StatusOK)
			if err := json.NewDecoder(res.Body).Decode(&body); err != nil || body.Branch != "new-york" {
				t.Errorf("after %d renewals the handler gets %+v, %v, want the branch", renewals, body, err)
			}
			token, err = tracker.Refresh(token)
		}
	})
}

func TestAttributes_OfAClientReachItsOwnTokens(t *testing.T) {
	eachStore(t, func(t *testing.T, shop *shopTest) {
		robot := shop.NewClient(passport.Registration{Name: "Robot", Attributes: map[string]string{"branch": "london"}})
		token := robot.OwnToken()
		row, err := shop.records.AccessToken(t.Context(), token.ID)
		if err != nil || row.Attributes["branch"] != "london" || claim(t, token.AccessToken, "branch") != "london" {
			t.Errorf("the token is %+v, %v, its claim %v; want the branch of its client", row, err, claim(t, token.AccessToken, "branch"))
		}
	})
}

// The shop's own data of a client decides whether the client may act.
func TestBehavior_ATrialEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shop := newShop(t, new(memstore.Store))
		tracker := shop.NewClient(passport.Registration{Name: "Order Tracker", AccessTokenTTL: 90 * 24 * time.Hour})
		ours := shop.NewClient(passport.Registration{
			Name: "The shop's own app", AccessTokenTTL: 90 * 24 * time.Hour, Attributes: map[string]string{"first-party": "yes"},
		})
		theirToken, ourToken := tracker.Token(shop.User("1")), ours.Token(shop.User("1"))

		time.Sleep(trial - time.Second)
		wantStatus(t, theirToken.HTTPClient(), "/api/branch", http.StatusOK)

		time.Sleep(time.Second)
		wantStatus(t, theirToken.HTTPClient(), "/api/branch", http.StatusUnauthorized)
		wantStatus(t, ourToken.HTTPClient(), "/api/branch", http.StatusOK)
		if _, err := tracker.Refresh(theirToken); !errors.Is(err, oauth.InvalidClient) {
			t.Errorf("Refresh() after the trial = %v, want invalid_client", err)
		}

		// The operator ends the trial.
		client, err := shop.Client(t.Context(), tracker.ID)
		if err != nil {
			t.Fatal(err)
		}
		delete(client.Attributes, "trial-ends")
		if err := shop.records.UpdateClient(t.Context(), client, nil); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, theirToken.HTTPClient(), "/api/branch", http.StatusOK)
	})
}

// The client that the server creates for personal access tokens has no trial,
// unless the shop sets one.
func TestBehavior_OfPersonalTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shop := newShop(t, new(memstore.Store))
		token := shop.PersonalToken(shop.User("1"))
		time.Sleep(2 * trial)
		wantStatus(t, token.HTTPClient(), "/api/branch", http.StatusOK)

		client, err := shop.Client(t.Context(), token.Record.Client.ID)
		if err != nil {
			t.Fatal(err)
		}
		client.Attributes = map[string]string{"trial-ends": time.Now().Format(time.RFC3339)}
		if err := shop.records.UpdateClient(t.Context(), client, nil); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, token.HTTPClient(), "/api/branch", http.StatusUnauthorized)
	})
}

// An attribute of the client decides whether a user is asked for consent.
func TestSkipConsent_FirstPartyAppsSkipThePage(t *testing.T) {
	eachStore(t, func(t *testing.T, shop *shopTest) {
		attributes := map[string]map[string]string{"Order Tracker": nil, "The shop's own app": {"first-party": "yes"}}
		for name, own := range attributes {
			client := shop.NewClient(passport.Registration{Name: name, Attributes: own})
			request := url.Values{
				"response_type": {"code"}, "client_id": {client.ID}, "redirect_uri": {client.RedirectURIs[0]}, "scope": {"check-status"},
			}
			for _, prompt := range []string{"", "consent"} {
				request.Set("prompt", prompt)
				res, err := shop.SignedIn(shop.User("1")).Get("/oauth/authorize?" + request.Encode())
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				skipped := strings.HasPrefix(res.Header.Get("Location"), client.RedirectURIs[0]+"?code=")
				if want := own != nil && prompt == ""; skipped != want {
					t.Errorf("%s with prompt %q: redirected without a page: %t, want %t", name, prompt, skipped, want)
				}
			}
		}
	})
}

// The wrapped store must pass the tests for stores.
func TestRecords_AreAStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) oauth.Store { return Records{Store: new(memstore.Store)} })
}
