package passport_test

import (
	"html/template"
	"net/http"
	"os"
	"strings"
)

func ExampleConfig_views() {
	config.Views = os.DirFS("views") // or an embed.FS, with fs.Sub
}

// withFrontEnd serves the application's own consent page. Its script requests JSON
// at the same URL.
func withFrontEnd(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || strings.HasPrefix(r.Header.Get("Accept"), "application/json") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", "frame-ancestors 'none'") // against clickjacking
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.ServeFile(w, r, "front-end/authorize.html")
	})
}

func ExampleServer_Routes_frontEnd() {
	mux := http.NewServeMux()
	for route := range auth.Routes() {
		if route.Name == "passport.authorizations.authorize" {
			route.Handler = withFrontEnd(route.Handler)
		}
		mux.Handle(route.Method+" "+route.Path, route.Handler)
	}
}

// toApp returns the name of the app that sent the user to sign in. It is empty if no app did.
func toApp(r *http.Request) string {
	why, err := auth.SignInRequest(r.Context(), r.FormValue("return_to"))
	if err != nil {
		return "" // oauth.ErrNotFound, or a fault of the database
	}
	return why.Client.Name
}

func ExampleServer_SignInRequest() {
	http.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		_ = loginPage.Execute(w, map[string]string{"App": toApp(r), "ReturnTo": r.FormValue("return_to")})
	})
}

var loginPage = template.Must(template.New("login").Parse(`{{with .App}}<p>Sign in to continue to {{.}}</p>{{end}}
<form method="post" action="{{.ReturnTo}}"><button name="decision" value="deny">Cancel</button></form>`))
