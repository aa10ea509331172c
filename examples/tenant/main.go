// Command tenant serves Passport below a path, with each of four routers.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
)

// issuer has a path; the endpoints are below it.
const issuer = "http://127.0.0.1:8080/tenant"

// The paths of the metadata of the issuer (RFC 8414 §3.1) and of its API (RFC 9728
// §3.1). They are outside of the issuer's path.
const (
	metadata    = "/.well-known/oauth-authorization-server/tenant"
	apiMetadata = "/.well-known/oauth-protected-resource/tenant"
)

func newServer() (*passport.Server, error) {
	keys, err := passport.GenerateKeys()
	if err != nil {
		return nil, err
	}
	ada := &passport.User{ID: "1"}
	return passport.New(passport.Config{
		Issuer: issuer, Store: new(memstore.Store), Keys: keys,
		Users: passport.UserFuncs{
			Current:    func(*http.Request) (*passport.User, error) { return ada, nil }, // signed in
			ByID:       func(context.Context, string) (*passport.User, error) { return ada, nil },
			SignInPage: "/login",
		},
	})
}

func serveMux(auth *passport.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/tenant/", http.StripPrefix("/tenant", auth))
	mux.Handle(metadata, auth)
	mux.Handle(apiMetadata, auth)
	return mux
}

func chiGroup(auth *passport.Server) http.Handler {
	r := chi.NewRouter()
	r.Route("/tenant", func(r chi.Router) {
		r.Handle("/*", auth) // not auth.Mount(r): its paths already have the prefix
	})
	r.Handle(metadata, auth)
	r.Handle(apiMetadata, auth)
	return r
}

func chiRoot(auth *passport.Server) http.Handler {
	r := chi.NewRouter()
	auth.Mount(r) // includes the metadata
	return r
}

func ginGroup(auth *passport.Server) http.Handler {
	r := gin.New()
	tenant := r.Group("/tenant")
	tenant.Any("/*endpoint", gin.WrapH(auth))
	r.Any(metadata, gin.WrapH(auth))
	r.Any(apiMetadata, gin.WrapH(auth))
	return r
}

func echoGroup(auth *passport.Server) http.Handler {
	e := echo.New()
	tenant := e.Group("/tenant")
	tenant.Any("/*", echo.WrapHandler(auth))
	e.Any(metadata, echo.WrapHandler(auth))
	e.Any(apiMetadata, echo.WrapHandler(auth))
	return e
}

// behindStripping is for a proxy that removes the prefix before it forwards a
// request.
func behindStripping(auth *passport.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/oauth/", addPrefix("/tenant", auth))
	mux.Handle(metadata, auth)
	mux.Handle(apiMetadata, auth)
	return mux
}

// addPrefix restores the prefix that a proxy removed.
func addPrefix(prefix string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		restored := r.Clone(r.Context())
		restored.URL.Path = prefix + r.URL.Path
		if r.URL.RawPath != "" {
			restored.URL.RawPath = prefix + r.URL.RawPath
		}
		next.ServeHTTP(w, restored)
	})
}

func main() {
	auth, err := newServer()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", serveMux(auth)))
}
