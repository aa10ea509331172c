package dashboard

import (
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/views"
)

// samples returns the data with which the pages of an application's views are checked:
// everything, and the little that each page has.
func samples(string) []any {
	at := day{time.Unix(0, 0)}
	scope := views.ConsentScope{ID: "read", Description: "Read something"}
	a := app{ConsentClient: views.ConsentClient{ID: "client", Name: "An app"}, ID: "client", Site: "auth.example.com", Since: at}
	t := token{ID: "token", Name: "A token", Shown: "abc…xyz", Since: at, Ends: at}
	little := view{
		Page: Page{Title: "A title", Site: "auth.example.com"}, Home: "/account", Remove: "/account/remove", RemoveAll: "/account/remove-all",
		TokensURL: "/account/tokens", NewToken: "/account/tokens/new", Revoke: "/account/tokens/revoke", Next: "/sign-in", Back: Link{Text: "Back", URL: "/account"},
		App: &a, Word: confirmWord, Token: &t, Form: new(tokenForm), Once: "once", Secret: "secret", Curl: "curl", Text: "A text.", Number: 1, Last: 1,
	}
	full, shown, listed := little, a, t
	shown.ConsentClient = views.ConsentClient{ID: "client", Name: "An app", Untrusted: true, ClientURI: "https://app.example.com", LogoURL: "/logo", Verified: true}
	shown.Scopes, shown.Ends, shown.Devices, shown.MoreDevices = []string{"Read something"}, at, []device{{"A device", at}}, 1
	listed.Scopes, listed.Expired = []string{"Read something"}, true
	full.User = &passport.User{ID: "user", Name: "A user", Email: "user@example.com"}
	full.Links = []Link{{Text: "Apps", URL: "/account", Current: true}}
	full.Name, full.Email, full.Initial, full.PasswordPage, full.RequestID = "A user", "user@example.com", "A", "/password", "request"
	full.Done, full.Notice, full.Fault, full.Field = &done{"The app ", "App", " was removed."}, "A notice.", "A fault.", `<input type="hidden" name="form_token" value="token">`
	full.Apps, full.All, full.Number, full.Last, full.Previous, full.Next = []app{shown, a}, 2, 2, 3, "/account?page=1", "/account?page=3"
	full.App, full.Tokens, full.Live, full.Limit, full.Token = &shown, []token{listed, t}, 1, 2, &listed
	full.Form = &tokenForm{Name: "A token", NameFault: "A fault.", ScopeFault: "A fault.", DateFault: "A fault.", Expiry: "date"}
	full.Choose = choices{Groups: []views.ConsentGroup{{Name: "Group", Scopes: []views.ConsentScope{scope}}}, Presets: []int{7}, First: at, Last: at, Longest: "30 days", Dates: true, MaxName: 80}
	return []any{&full, &little}
}
