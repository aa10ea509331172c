// Package nilpointer finds variables that were declared and never set.
package nilpointer

import "reflect"

// Is reports whether an interface that is not nil holds a nil pointer.
func Is(v any) bool {
	value := reflect.ValueOf(v)
	return value.Kind() == reflect.Pointer && value.IsNil()
}
