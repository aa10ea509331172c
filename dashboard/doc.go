// Package dashboard has the pages on which users see their connected apps and remove
// them, and create and revoke personal access tokens. It works with the users of any
// [passport.Server]: those of package account, or an application's own.
//
//	pages, err := dashboard.New(auth, dashboard.Config{Path: "/account/apps"})
//	if err != nil {
//		return err
//	}
//	pages.Mount(mux)
//
// The pages work without JavaScript and load nothing from elsewhere. They look like the
// consent page, or are part of the application's own layout: see [Config.Layout].
//
// Each action is also in Go: [passport.Server.ConnectedApps], [passport.Server.Withdraw],
// [passport.Server.WithdrawAll], [passport.Server.PersonalTokens],
// [passport.Server.CreatePersonalToken] and [passport.Server.RevokeToken].
package dashboard
