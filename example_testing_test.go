package passport_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
)

// An application tests its guarded routes with a real server in memory: no
// database, no key files, no sockets.
func Example_testing() {
	keys, err := passport.GenerateKeys()
	if err != nil {
		log.Fatal(err)
	}
	auth, err := passport.New(passport.Config{
		Issuer: "https://app.example.com", Store: new(memstore.Store), Keys: keys,
		Scopes: []passport.Scope{{ID: "import-stock", Description: "Import stock"}},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	robot, err := auth.CreateClient(context.Background(), passport.Registration{
		Name: "Robot", GrantTypes: []string{"client_credentials"},
	})
	if err != nil {
		log.Fatal(err)
	}

	// A token, as the robot would ask for it.
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"import-stock"}}
	r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(robot.Client.ID, robot.Secret)
	w := httptest.NewRecorder()
	auth.ServeHTTP(w, r)
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &tokens); err != nil {
		log.Fatal(err)
	}

	// The route under test, with the token and without.
	stock := auth.GuardClient(guard.Scopes("import-stock"))(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "imported") }))
	r = httptest.NewRequest("POST", "/api/stock", nil)
	w = httptest.NewRecorder()
	stock.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))

	r.Header.Set("Authorization", "Bearer "+tokens.AccessToken)
	w = httptest.NewRecorder()
	stock.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 401 Bearer realm="api"
	// 200 imported
}
