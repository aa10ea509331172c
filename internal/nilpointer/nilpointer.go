// Package nilpointer detects nil pointers in interfaces.
package nilpointer

import "reflect"

// Is reports whether an interface that is not nil contains a nil pointer.
func Is(v any) bool {
	value := reflect.ValueOf(v)
	return value.Kind() == reflect.Pointer && value.IsNil()
}
