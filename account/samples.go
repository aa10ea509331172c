package account

// samples returns the data with which the pages of an application's views are checked:
// everything, the little that each page has, and no signed-in user.
func samples(string) []any {
	user := &shown{Name: "A user", Email: "user@example.com", Initial: "A"}
	little := view{
		Site: "auth.example.com", SignIn: "/sign-in", SignOut: "/sign-out", Home: "/", Another: "/sign-in?another", User: user,
		Account: "/account", Sessions: "/account/sessions", Security: "/account/security", Title: "A title", Text: "A text.",
		SetPassword: "/set-password", VerifyEmail: "/verify-email", Link: "link",
	}
	full, signedOut := little, little
	signedOut.User = nil
	full.ReturnTo, full.App, full.Token, full.RequestID = "/oauth/authorize", &app{Name: "An app", Unchecked: true}, "token", "request"
	full.Email, full.Username, full.Alert, full.Mismatch = "user@example.com", "user@example.com", "An alert.", true
	full.OtherUser = true
	full.EmailFault, full.PasswordFault, full.NewFault, full.SameFault = "A fault.", "A fault.", "A fault.", "A fault."
	full.Apps, full.Tokens, full.Page, full.Done, full.Invited = "/account/apps", "/account/tokens", "/account/sessions", "Done.", true
	full.List, full.Others, full.Full = []shownSession{{Here: true}, {ID: "session", Address: "192.0.2.1", Unfinished: true}}, true, true
	return []any{full, little, signedOut}
}
