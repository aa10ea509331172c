package passport_test

import (
	"fmt"
	"net/http"

	"github.com/go-passport/passport"
)

// recoveryCodes shows the recovery codes to a user who has authenticated recently.
func recoveryCodes(w http.ResponseWriter, r *http.Request) {
	ref, user, err := auth.CurrentUser(r, "")
	if err != nil {
		http.Error(w, "Sign in first.", http.StatusForbidden)
		return
	}
	back := auth.Reauthenticated(r, ref, user)
	switch {
	case auth.AuthenticatedRecently(user):
		fmt.Fprintln(w, "Your recovery codes")
	case back != nil && back.Unmoved:
		http.Error(w, "Sign out, sign in again, and come back.", http.StatusForbidden)
	default:
		signIn, err := auth.Reauthenticate(r, ref, user, "/recovery-codes", nil)
		if err != nil {
			http.Error(w, "Please try again later.", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, signIn, http.StatusSeeOther)
	}
}

func ExampleServer_Reauthenticate() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /recovery-codes", recoveryCodes)
}

func ExampleServer_PersonalTokens() {
	tokens, err := auth.PersonalTokens(ctx, passport.UserRef{Provider: passport.DefaultProvider, ID: "42"})
	if err != nil {
		return
	}
	for _, token := range tokens {
		fmt.Println(token.Name, token.Scopes, token.ExpiresAt)
	}
}
