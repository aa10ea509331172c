// Command gin mounts Passport into a gin engine.
package main

import (
	"log"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
)

func newServer() (*passport.Server, error) {
	keys, err := passport.GenerateKeys()
	if err != nil {
		return nil, err
	}
	return passport.New(passport.Config{
		Issuer: shop.Issuer, Store: new(memstore.Store), Keys: keys, Users: shop.Users, Scopes: shop.Scopes,
	})
}

func routes(auth *passport.Server) http.Handler {
	r := gin.New()
	r.Any("/login", gin.WrapH(shop.SignInPage))
	r.Any("/oauth/*endpoint", gin.WrapH(auth))
	r.Any("/.well-known/oauth-authorization-server", gin.WrapH(auth))
	r.Any("/.well-known/oauth-protected-resource", gin.WrapH(auth))
	r.GET("/api/orders", protect(auth.Guard(guard.Scopes("check-status"))), orders)
	r.GET("/api/stock", protect(auth.GuardClient()), stock)
	return r
}

// protect converts a guard to gin middleware.
func protect(guard func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		admitted := false
		guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			admitted = true
			c.Request = r // with token and user in its context
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		if !admitted {
			c.Abort()
		}
	}
}

func orders(c *gin.Context) {
	customer, _ := passport.UserFromContext[*shop.Customer](c.Request.Context())
	c.JSON(http.StatusOK, customer.Orders())
}

func stock(c *gin.Context) {
	c.String(http.StatusOK, "Hello, %s: 42 espresso machines are in stock.\n", guard.TokenFrom(c.Request.Context()).Client.Name)
}

func main() {
	auth, err := newServer()
	if err != nil {
		log.Fatal(err)
	}
	shop.PrintClient(auth)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", routes(auth)))
}
