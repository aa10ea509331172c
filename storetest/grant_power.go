package storetest

import (
	"reflect"

	"github.com/go-passport/passport/oauth"
)

// grantPowers checks a store that gives powers to grants; one need not. A grant can
// call each method of the value that it gets.
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
			w.Errorf("a grant can unwrap the power %v: give it a type of its own, with the methods of the power alone", kind)
		}
		for verb := range reflect.TypeFor[interface {
			oauth.Store
			oauth.KeyStore
		}]().Methods() {
			if _, has := kind.MethodByName(verb.Name); has {
				w.Errorf("a grant can call %s of the power %v: give it a type of its own, with the methods of the power alone", verb.Name, kind)
			}
		}
	}
}
