package passport_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// The implicit grant, for a browser application that cannot be changed yet. The
// token is in the fragment of the redirect URI.
func ExampleConfig_implicit() {
	keys, err := passport.GenerateKeys()
	if err != nil {
		log.Fatal(err)
	}
	signedIn := func(*http.Request) (*passport.User, error) { return &passport.User{ID: "42", Name: "Ada"}, nil }
	config := passport.Config{
		Issuer: "https://auth.example.com", Store: new(memstore.Store), Keys: keys,
		Users:       passport.UserFuncs{Current: signedIn, ByID: findUser, SignInPage: "/login"},
		Scopes:      []passport.Scope{{ID: "check-status", Description: "Check order status"}},
		SkipConsent: func(context.Context, *oauth.Client, *passport.User) bool { return true },
		Logger:      slog.New(slog.DiscardHandler),
	}
	config.EnableImplicitGrant = true
	auth, err := passport.New(config)
	if err != nil {
		log.Fatal(err)
	}
	board, err := auth.CreateClient(context.Background(), passport.Registration{
		Name:         "Order board",
		AuthMethod:   oauth.AuthNone,
		GrantTypes:   []string{"implicit"},
		RedirectURIs: []string{"https://third-party.example/callback"},
	})
	if err != nil {
		log.Fatal(err)
	}

	// What the third party does:
	redirect := func(w http.ResponseWriter, r *http.Request) {
		state := rand.Text()
		http.SetCookie(w, &http.Cookie{Name: "state", Value: state, MaxAge: 600, Secure: true, SameSite: http.SameSiteLaxMode})
		query := url.Values{
			"client_id":     {board.Client.ID},
			"redirect_uri":  {"https://third-party.example/callback"},
			"response_type": {"token"},
			"scope":         {"check-status"},
			"state":         {state},
			// "prompt": {"none"}, or "consent", or "login"
		}
		http.Redirect(w, r, "https://auth.example.com/oauth/authorize?"+query.Encode(), http.StatusFound)
	}

	there, back := httptest.NewRecorder(), httptest.NewRecorder()
	redirect(there, httptest.NewRequest("GET", "/redirect", nil))
	auth.ServeHTTP(back, httptest.NewRequest("GET", there.Header().Get("Location"), nil))
	address, fragment, _ := strings.Cut(back.Header().Get("Location"), "#")
	told, err := url.ParseQuery(fragment)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(back.Code, address)
	fmt.Println(told.Get("token_type"), told.Get("expires_in"), told.Get("scope"), told.Get("iss"))
	fmt.Println(strings.Count(told.Get("access_token"), "."), len(told.Get("state")))
	// Output:
	// 303 https://third-party.example/callback
	// Bearer 3600 check-status https://auth.example.com
	// 2 26
}

// KioskToken issues tokens to the screens in a shop, for a working day. The token's
// attributes name the screen.
type KioskToken struct{}

// ResponseType implements oauth.Responder.
func (KioskToken) ResponseType() string { return "kiosk_token" }

// GrantType implements oauth.Responder: clients are registered for it by this name.
func (KioskToken) GrantType() string { return "urn:example:grant-type:kiosk" }

// Respond implements oauth.Responder. The server calls it after the user has
// consented.
func (KioskToken) Respond(_ context.Context, r *oauth.AuthorizationRequest) (*oauth.Authorization, error) {
	if !slices.Contains(r.Scopes, "check-status") {
		return nil, oauth.InvalidScope.Errorf("a kiosk must request check-status")
	}
	return &oauth.Authorization{
		Subject:        oauth.ForUser(r.Family.User),
		Scopes:         r.Scopes,
		Resources:      r.Resources,
		AccessTokenTTL: 8 * time.Hour,
		Attributes:     map[string]string{"device": "kiosk"},
	}, nil
}

func ExampleConfig_responders() {
	config.Responders = []oauth.Responder{KioskToken{}}
}
