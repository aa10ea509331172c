package testkit

import "github.com/go-passport/passport"

// WithShopScopes sets scopes of which some are below others.
func WithShopScopes(c *passport.Config) {
	c.Scopes = []passport.Scope{
		{ID: "orders", Description: "Your orders"}, {ID: "orders:read", Description: "See your orders"},
		{ID: "orders:read:own", Description: "See orders placed here"}, {ID: "ordersfoo", Description: "Something else"},
		{ID: "invoices:read", Description: "See your invoices"},
	}
}

// WithInheritance sets the scopes of [WithShopScopes] and InheritScopes.
func WithInheritance(c *passport.Config) { WithShopScopes(c); c.InheritScopes = true }
