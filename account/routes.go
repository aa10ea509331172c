package account

import "net/http"

const (
	signInPath  = "/sign-in"
	signOutPath = "/sign-out"
)

// maxBody is as large as a form may be: a return address, encoded.
const maxBody = 3*maxReturnTo + 8<<10

// Mount registers the pages on a mux: an [http.ServeMux], or whatever has its
// Handle method. They are /sign-in and /sign-out, below the issuer's path.
func (a *Accounts) Mount(mux interface {
	Handle(pattern string, handler http.Handler)
}) {
	for pattern, handler := range map[string]http.HandlerFunc{
		"GET " + a.prefix + signInPath:   a.showSignIn,
		"POST " + a.prefix + signInPath:  a.signIn,
		"GET " + a.prefix + signOutPath:  a.showSignOut,
		"POST " + a.prefix + signOutPath: a.signOut,
	} {
		mux.Handle(pattern, a.entry(handler))
	}
}

// entry is what every request for a page passes first.
func (a *Accounts) entry(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = a.proxies.Attach(w, r)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}
