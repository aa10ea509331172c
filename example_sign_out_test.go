package passport_test

import (
	"net/http"

	"github.com/go-passport/passport"
)

// Clients can sign users out.
func ExampleUserFuncs_signOut() {
	config.Users = passport.UserFuncs{
		Current: currentClerk, ByID: findClerk, SignInPage: "/login",
		SignOut: func(w http.ResponseWriter, r *http.Request) error {
			http.SetCookie(w, &http.Cookie{Name: "session", Path: "/", MaxAge: -1})
			return deleteSessionOf(r)
		},
	}
}

// deleteSessionOf deletes the session whose cookie r has.
func deleteSessionOf(*http.Request) error { return nil }
