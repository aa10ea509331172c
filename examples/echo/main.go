// Command echo mounts Passport into an Echo instance.
package main

import (
	"log"
	"net/http"

	"github.com/labstack/echo/v4"

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
	e := echo.New()
	e.Any("/login", echo.WrapHandler(shop.SignInPage))
	e.Any("/oauth/*", echo.WrapHandler(auth))
	e.Any("/.well-known/oauth-authorization-server", echo.WrapHandler(auth))
	e.Any("/.well-known/oauth-protected-resource", echo.WrapHandler(auth))
	e.GET("/api/orders", orders, echo.WrapMiddleware(auth.Guard(guard.Scopes("check-status"))))
	e.GET("/api/stock", stock, echo.WrapMiddleware(auth.GuardClient()))
	return e
}

func orders(c echo.Context) error {
	customer, _ := passport.UserFromContext[*shop.Customer](c.Request().Context())
	return c.JSON(http.StatusOK, customer.Orders())
}

func stock(c echo.Context) error {
	token := guard.TokenFrom(c.Request().Context())
	return c.String(http.StatusOK, "Hello, "+token.Client.Name+": 42 espresso machines are in stock.\n")
}

func main() {
	auth, err := newServer()
	if err != nil {
		log.Fatal(err)
	}
	shop.PrintClient(auth)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", routes(auth)))
}
