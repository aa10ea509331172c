// Package passport adds an OAuth 2.0 authorization server to an application.
//
// Start with [New]. It needs the application's database, its accounts, and the
// permissions that clients may request. The [Server] that it returns is an
// [http.Handler] for /oauth/authorize, /oauth/token, /oauth/revoke,
// /oauth/introspect and the documents that describe them. It also guards the
// application's own routes:
//
//	auth, err := passport.New(passport.Config{
//		Issuer: "https://app.example.com",
//		Store:  sqlstore.New(db, sqlstore.Postgres),
//		Keys:   keys,
//		Users:  passport.UserFuncs{Current: currentUser, ByID: findUser, SignInPage: "/login"},
//		Scopes: []passport.Scope{{ID: "check-status", Description: "Check order status"}},
//	})
//	auth.Mount(mux)
//	mux.Handle("GET /api/orders", auth.Guard(guard.Scopes("check-status"))(orders))
//
// The example of [New] is complete. The folder examples has runnable applications
// for net/http, chi, gin and echo.
//
// # Clients
//
// A client is an application that requests tokens. Create one with
// [Server.CreateClient] or the command `passport client`. For a user who consented,
// a client gets tokens with an authorization code and PKCE, and renews them with a
// refresh token. For itself, it gets tokens with client_credentials. Further grants
// implement [oauth.Grant].
//
// # Users
//
// The application keeps its accounts, sessions and sign-in page. It connects them
// to the server with a [UserProvider]; [UserFuncs] makes a provider of two
// functions and an address. Package account is a provider for applications without
// accounts.
//
// # Guards
//
// [Server.Guard] admits tokens of users. [Server.GuardClient] admits tokens of
// clients that act for themselves. [Server.GuardAny] admits both. In the handler,
// [UserFromContext] returns the application's own record of the user, and
// guard.TokenFrom returns the token.
//
// # Keys
//
// [LoadKeys] and [KeysFromEnv] read the keys that sign access tokens. The command
// `passport keys` or [WriteKeys] generates them. All other secrets are derived from
// these keys, so they are the only secret to keep safe.
//
// # Background work
//
// The package starts no goroutine. The application should run [Server.Run] in one,
// which purges ended records and reads rotated keys. Without it the server still
// works correctly, but its tables grow and new keys wait for the next start.
package passport
