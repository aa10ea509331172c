package console

import "reflect"

// What stands around the routes of the binary, for tests that bring routes of
// their own.
var (
	Middleware = middleware
	OwnName    = ownName
	ServeHTTP  = serveHTTP
	Safe       = safe
)

// Environment returns what a setting is if the environment has the given value.
func Environment(key, value string) (any, error) {
	setting, _ := find(key)
	s := defaults()
	field := setting.field(s)
	err := assign(field, text(value))
	return reflect.ValueOf(field).Elem().Interface(), err
}
