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

// Further parts of the example application: pages, two endpoints and its sign-out.
var (
	pages      = http.NotFoundHandler()
	showUser   = http.NotFoundHandler()
	placeOrder = http.NotFoundHandler()
	home       = template.Must(template.New("home").Parse(`<meta name="csrf-token" content="{{.CSRFToken}}">` + "\n"))
	endSession = func(http.ResponseWriter, *http.Request) {}
)

// FreshToken wraps the pages whose scripts call the API. The API has its usual
// guards.
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

// A page behind FreshToken passes the value to its scripts.
func ExampleCSRFToken() {
	showHome := func(w http.ResponseWriter, r *http.Request) {
		home.Execute(w, map[string]any{"CSRFToken": passport.CSRFToken(r.Context())})
	}
	w := httptest.NewRecorder()
	showHome(w, httptest.NewRequest("GET", "/", nil)) // no user is signed in
	w.Body.WriteTo(os.Stdout)
	// Output: <meta name="csrf-token" content="">
}

// A sign-out also deletes the cookies.
func ExampleServer_ForgetToken() {
	signOut := func(w http.ResponseWriter, r *http.Request) {
		endSession(w, r)
		auth.ForgetToken(w, r)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
	_ = signOut
}
