// Package passport makes an application an OAuth 2.0 authorization server.
//
// Start with [New]: give it the application's database, its accounts and the
// permissions that clients may ask for. The [Server] that it returns is an
// [http.Handler] for /oauth/authorize, /oauth/token, /oauth/revoke,
// /oauth/introspect and the documents that describe them, and guards the
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
// The example of [New] is a whole one, and the folder examples holds
// applications for net/http, chi, gin and echo that run.
//
// # Clients
//
// A client is an application that asks for tokens. [Server.CreateClient] makes
// one; so does the command `passport client`. It gets its tokens by an
// authorization code with PKCE, for a user who consented; by a refresh token; or
// by client_credentials, for itself. Further grants are values of [oauth.Grant].
//
// # Users
//
// The application keeps its accounts, sessions and sign-in page, and tells the
// server about them by a [UserProvider]: [UserFuncs] makes one of two functions
// and an address. Package account is one for applications that have no accounts.
//
// # Guards
//
// [Server.Guard] admits tokens of users, [Server.GuardClient] those of clients
// that act for themselves, [Server.GuardAny] both. In the handler [UserFromContext]
// returns the application's own record of the user, and guard.TokenFrom the token.
//
// # Keys
//
// [LoadKeys] and [KeysFromEnv] read the keys that sign access tokens; the command
// `passport keys` makes them, and so does [WriteKeys]. All other secrets are
// derived from them, so there is one thing to keep safe.
//
// # What runs in the background
//
// Nothing, unless the application starts [Server.Run] in a goroutine of its own,
// which deletes what has ended. Without it all is as correct, and the tables grow.
package passport
