// Package account keeps accounts for applications that have none: users with a
// password, browser sessions, and the pages to sign in and out. It is a ready
// [oauth.UserProvider]:
//
//	accounts, err := account.New(account.Config{
//		DB: db, Dialect: sqlstore.Postgres, Issuer: "https://app.example.com",
//	})
//	err = accounts.Migrate(ctx)
//	auth, err := passport.New(passport.Config{Issuer: "https://app.example.com", Users: accounts, …})
//	accounts.Connect(auth)
//	accounts.Mount(mux)
//	auth.Mount(mux)
//
// # Sessions
//
// A browser holds 256 random bits in a cookie; the database holds their digest.
// Whoever signs in gets a new cookie, and the one that the browser had before is
// worth nothing from then on, so that nobody can plant one. The name begins with
// __Host- where the issuer is https, so that no other host can plant one either
// (draft-ietf-oauth-browser-based-apps §6.1.3.2). A session ends with sign-out,
// with a changed password, when the account is disabled, when it was unused for
// [Config.SessionIdleTTL], and after [Config.SessionTTL] whatever happened.
//
// # Guessing passwords
//
// Each try is counted before the password is looked at, so that tries in
// parallel cannot outrun the count, in the database, so that all nodes count
// together, and under the one spelling of the address that accounts are found
// by, whether there is such an account or not. See [TriesPerPair]. A page says
// neither which of the two was wrong nor whether there is such an account.
package account
