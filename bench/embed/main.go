// Command embed is an application that embeds Passport. It has routes that the
// passport command lacks, and passwords without a slow hash. Its accounts are in
// memory, so that a request has only Passport's cost.
//
// With -binary and the arguments of the passport command, it runs that command,
// and -pprof is available.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/bench/internal/server"
	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
	"github.com/go-passport/passport/sqlstore"
)

var binary = flag.Bool("binary", false, "run the passport command with the remaining arguments")

func main() {
	o := server.Flags()
	if *binary {
		o.Profile()
		os.Args = append(os.Args[:1], flag.Args()...)
		os.Exit(console.Run(context.Background(), console.New(console.Options{})))
	}
	server.Exit(run(o))
}

func run(o server.Options) error {
	db, dialect, err := o.Open()
	if err != nil {
		return err
	}
	defer db.Close()
	keys, err := passport.GenerateKeys("ES256", "RS256")
	if err != nil {
		return err
	}
	user, digest := &passport.User{ID: o.User, Name: "Alice"}, oauth.DigestOf(server.Password)
	auth, err := passport.New(passport.Config{
		Issuer: o.Issuer, Store: sqlstore.New(db, dialect), Keys: keys,
		Users: passport.UserFuncs{
			Current: func(*http.Request) (*passport.User, error) { return nil, oauth.ErrNotFound },
			ByID:    func(context.Context, string) (*passport.User, error) { return user, nil },
			ByPassword: func(_ context.Context, username, password string) (*passport.User, error) {
				if username != server.Username || !digest.Matches(password) {
					return nil, oauth.ErrNotFound
				}
				return user, nil
			},
			SignInPage: "/login",
		},
		Features: []passport.Feature{passport.OpenID{UserClaims: func(_ context.Context, u *oauth.User, _ *oauth.Client, _ []string) (openid.Claims, error) {
			return openid.Claims{Name: u.Name}, nil
		}}},
		Scopes: []passport.Scope{{ID: "read", Description: "Read"}}, DefaultScopes: []string{"read"}, EnablePasswordGrant: true,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /guarded", auth.Guard(guard.Scopes("read"))(http.HandlerFunc(userName)))
	// An API in another process, here with a server in the same one.
	local := &guard.Remote{Issuer: o.Issuer, Audience: o.Issuer}
	asking := &guard.Remote{Issuer: o.Issuer, Audience: o.Issuer, ClientID: server.APIID, ClientSecret: os.Getenv(server.APISecret), Introspect: 10 * time.Second}
	mux.Handle("GET /remote", local.Guard(guard.Scopes("read"))(http.HandlerFunc(userName)))
	mux.Handle("GET /introspected", asking.Guard(guard.Scopes("read"))(http.HandlerFunc(userName)))
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	return o.Serve(mux)
}

// userName responds with the name of the token's user.
func userName(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]string{"user": guard.TokenFrom(r.Context()).Family.User.ID})
}
