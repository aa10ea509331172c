package storetest

import (
	"reflect"

	"github.com/go-passport/passport/oauth"
)

// grantPowers checks a store that gives powers to grants, which is optional. A grant
// can call every method of the value that it receives.
func grantPowers(w *world) {
	store, ok := oauth.StoreAs[oauth.GrantPowerStore](w.store)
	if !ok {
		return
	}
	for _, power := range store.GrantPowers() {
		kind := reflect.TypeOf(power)
		if kind == nil {
			w.Error("GrantPowers() has a nil value")
			continue
		}
		if _, wraps := kind.MethodByName("Unwrap"); wraps {
			w.Errorf("a grant can unwrap the power %v: wrap it in a type that has only the power's methods", kind)
		}
		for verb := range reflect.TypeFor[interface {
			oauth.Store
			oauth.KeyStore
		}]().Methods() {
			if _, has := kind.MethodByName(verb.Name); has {
				w.Errorf("a grant can call %s of the power %v: wrap it in a type that has only the power's methods", verb.Name, kind)
			}
		}
	}
}
