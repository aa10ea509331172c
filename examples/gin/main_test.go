package main

import (
	"testing"

	"github.com/go-passport/passport/examples/internal/try"
)

func TestMounted(t *testing.T) {
	auth, err := newServer()
	if err != nil {
		t.Fatal(err)
	}
	app := routes(auth)
	t.Run("machines", func(t *testing.T) { try.Machines(t, app, auth) })
	t.Run("customers", func(t *testing.T) { try.Customers(t, app, auth, "/api/orders", "check-status") })
}
