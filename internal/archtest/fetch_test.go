package archtest_test

import (
	"go/ast"
	"slices"
	"strconv"
	"testing"
)

// fetchers may use the HTTP client of package http. All others use internal/fetch for
// a URL that comes from a client or a user. The URLs of guard.Remote come from the
// operator. The rest is for tests, the tour, and other modules.
var fetchers = []string{"internal/fetch", "internal/authserver", "guard", "passporttest", "internal/testkit", "internal/demo", "bench", "examples", "deploy", "internal/e2e"}

// httpClients are the names of package http that connect to a server.
var httpClients = []string{"Client", "DefaultClient", "DefaultTransport", "Transport", "Get", "Head", "Post", "PostForm"}

func TestFetch_BL_09_IsTheOnlyHTTPClient(t *testing.T) {
	files, set := sources(t)
	for _, s := range files {
		if hasPrefix(s.room, fetchers) {
			continue
		}
		name := importName(s.file, "net/http", "http")
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains(httpClients, sel.Sel.Name) {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name {
				t.Errorf("%s: http.%s follows redirects and connects to private addresses: use internal/fetch", set.Position(n.Pos()), sel.Sel.Name)
			}
			return true
		})
	}
}

// importName returns the name of an import in a file, or "" without one.
func importName(f *ast.File, path, name string) string {
	for _, spec := range f.Imports {
		if at, err := strconv.Unquote(spec.Path.Value); err != nil || at != path {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return name
	}
	return ""
}
