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
// The browser holds 256 random bits in a cookie; the database holds their digest.
// Each sign-in sets a new cookie and invalidates the old one, which prevents session
// fixation. If the issuer is https, the cookie's name begins with __Host-, so that
// another host of the same domain cannot set it either
// (draft-ietf-oauth-browser-based-apps §6.1.3.2). A session ends when the user signs
// out or changes the password, when the account is disabled, after
// [Config.SessionIdleTTL] without a request, and after [Config.SessionTTL] in any case.
//
// # Links
//
// [Accounts.Invite], [Accounts.ResetLink] and [Accounts.VerifyLink] return links for a
// user. A link works once; the database holds its digest. Only the form on its page uses
// it up, because programs that check email open links, too.
//
// # Guessing passwords
//
// Sign-in attempts are throttled. Each attempt is counted before the password is
// checked, so that concurrent attempts cannot get past a limit. The count is in the
// database, so all nodes share it. It uses the normalized address, whether or not
// that account exists. See [TriesPerPair] for the limits. The page does not reveal
// whether the address or the password was wrong.
package account
