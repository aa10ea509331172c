package passport_test

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
)

// What else the application of these examples has: its pages, two endpoints, and
// its own part of signing out.
var (
	pages      = http.NotFoundHandler()
	showUser   = http.NotFoundHandler()
	placeOrder = http.NotFoundHandler()
	home       = template.Must(template.New("home").Parse(`<meta name="csrf-token" content="{{.CSRFToken}}">` + "\n"))
	endSession = func(http.ResponseWriter, *http.Request) {}
)

// The pages whose scripts call the API stand behind FreshToken, the API behind
// its guards as ever.
func ExampleServer_FreshToken() {
	setUp := func() {
		mux.Handle("GET /", auth.FreshToken(pages))
		mux.Handle("GET /api/user", auth.Guard()(showUser))
		mux.Handle("POST /api/orders", auth.Guard(guard.Scopes("place-orders"))(placeOrder))
	}
	_ = setUp
}

func ExampleConfig_cookieName() {
	config.CookieName = "custom_name"
	config.CookieTTL = 30 * time.Minute // two hours by default
}

// A page behind FreshToken that hands the value to its scripts.
func ExampleCSRFToken() {
	showHome := func(w http.ResponseWriter, r *http.Request) {
		home.Execute(w, map[string]any{"CSRFToken": passport.CSRFToken(r.Context())})
	}
	w := httptest.NewRecorder()
	showHome(w, httptest.NewRequest("GET", "/", nil)) // nobody is signed in
	w.Body.WriteTo(os.Stdout)
	// Output: <meta name="csrf-token" content="">
}

// Signing out takes the cookies along.
func ExampleServer_ForgetToken() {
	signOut := func(w http.ResponseWriter, r *http.Request) {
		endSession(w, r)
		auth.ForgetToken(w, r)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
	_ = signOut
}
