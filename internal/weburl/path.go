package weburl

import (
	"slices"
	"strings"
)

// Path reports whether s is a path that ServeMux and browsers read in the same way.
func Path(s string) bool {
	segments := strings.Split(s, "/")
	return len(segments) > 1 && segments[0] == "" && !slices.ContainsFunc(segments[1:], func(segment string) bool {
		return segment == "" || strings.Trim(segment, ".") == "" || strings.Trim(segment, pathCharacters) != ""
	})
}

const pathCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
