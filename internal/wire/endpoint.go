package wire

import (
	"net/http"
	"slices"
)

// Endpoint has all handlers of one path.
type Endpoint struct {
	Path    string
	Routes  []Route
	Handler http.Handler // for every method; a method without a route gets a 405
	Refusal http.Handler // writes the 405, regardless of the body
}

// Route is a named part of an endpoint.
type Route struct {
	Name    string   // such as "passport.token"
	Methods []string // the accepted methods
}

// Single returns an endpoint with one route.
func Single(name, path string, handler http.Handler, methods ...string) Endpoint {
	return Endpoint{Path: path, Routes: []Route{{name, methods}}, Handler: handler, Refusal: handler}
}

// Paths returns the paths of endpoints.
func Paths(endpoints []Endpoint) []string {
	paths := make([]string, len(endpoints))
	for i, e := range endpoints {
		paths[i] = e.Path
	}
	return paths
}

// At returns the name and the handler for a method of the endpoint.
func (e Endpoint) At(method string) (name string, handler http.Handler) {
	for _, r := range e.Routes {
		if slices.Contains(r.Methods, method) {
			return r.Name, e.Handler
		}
	}
	return e.Routes[0].Name, e.Refusal
}
