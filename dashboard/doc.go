// Package dashboard has the page on which users see their connected apps and remove
// them. It works with the users of any [passport.Server]: those of package account, or
// an application's own.
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
// Each action is also in Go: [passport.Server.ConnectedApps], [passport.Server.Withdraw]
// and [passport.Server.WithdrawAll].
package dashboard
