package feature

import (
	"fmt"
	"slices"

	"github.com/go-passport/passport/oauth"
)

// storePower is an optional power of a store.
type storePower struct {
	name    string // of the interface
	without string // the consequence for a server without it
	has     func(oauth.Store) bool

	// rare says that most stores don't need the power. StoreWarnings reports it only
	// for a store that also lacks other powers, because that store may be a wrapper
	// that hides it.
	rare bool
}

func power[T any](without string) storePower {
	return storePower{
		name: fmt.Sprintf("%T", (*T)(nil))[1:], without: without,
		has: func(s oauth.Store) bool {
			_, ok := oauth.StoreAs[T](s)
			return ok
		},
	}
}

func rarely(p storePower) storePower {
	p.rare = true
	return p
}

// storePowers are all optional powers of a store. internal/archtest checks that all
// powers of package oauth are here.
var storePowers = []storePower{
	power[oauth.Checker]("New and Ready cannot detect unsafe database settings, missing tables and missing migrations"),
	power[oauth.AuditStore]("the audit log cannot be read"),
	power[oauth.KeyStore]("StoredKeys cannot keep the keys in it"),
	power[oauth.PendingRequestStore]("authorization requests that wait for a sign-in stay in the URL, and a proxy may refuse long URLs"),
	power[oauth.ClientMetadataStore]("clients have no home page, policies, logo and verification"),
	power[oauth.FamilyLimitStore]("Run does not end the oldest families above MaxFamiliesPerClient"),
	power[oauth.ConsentListStore]("the list of connected apps lacks apps that a user has allowed and that have no live token"),
	power[oauth.LastUsedStore]("nothing shows when a token was last used"),
	rarely(power[oauth.LogoutStore]("OpenID Connect cannot be enabled")),
	rarely(power[oauth.DeviceStore]("the device grant cannot be enabled")),
	rarely(power[oauth.ImportStore]("nothing can be imported from another server")),
	rarely(power[oauth.BulkImportStore]("a large import takes longer")),
	rarely(power[oauth.DeviceReader]("the device grant cannot read device codes")),
	rarely(power[oauth.PresentedStore]("a token request costs one more round trip")),
	rarely(power[oauth.GrantPowerStore]("grants cannot use the store's optional methods")),
}

// StoreWarnings returns a warning for each optional power that a store lacks. A
// wrapper lacks all powers of the store that it wraps, unless it has the method
// Unwrap.
func StoreWarnings(store oauth.Store) (warnings []string) {
	lacking := slices.DeleteFunc(slices.Clone(storePowers), func(p storePower) bool { return p.has(store) })
	if !slices.ContainsFunc(lacking, func(p storePower) bool { return !p.rare }) {
		return nil
	}
	for _, p := range lacking {
		warnings = append(warnings, fmt.Sprintf("Store: %T does not implement %s, so %s. If it wraps another store, give it the method Unwrap() oauth.Store, which returns that store",
			store, p.name, p.without))
	}
	return warnings
}
