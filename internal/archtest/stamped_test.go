package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// InheritScopes of an access token is a setting of the server that is not stored
// (FR-16). So the type stampedStore of internal/tokens overrides every store
// method that returns access tokens, and every composite literal of a token in
// the server sets the field.
func TestAccessTokensAreStamped_FR_16(t *testing.T) {
	files, set := sources(t)
	var reads, stamps []string
	for _, s := range files {
		switch {
		case s.room == "oauth":
			reads = append(reads, readsAccessTokens(s.file)...)
		case serving(s.room):
			stamps = append(stamps, methodsOf(s.file, "stampedStore")...)
			for _, pos := range unstamped(s.file) {
				t.Errorf("%s: an access token is created without InheritScopes", set.Position(pos))
			}
		}
	}
	for _, name := range []string{"AccessToken", "OpaqueToken", "TokensOf"} {
		if !slices.Contains(reads, name) {
			t.Errorf("no interface of oauth has the method %s, which returned access tokens: this test finds %q", name, reads)
		}
	}
	for _, name := range reads {
		if !slices.Contains(stamps, name) {
			t.Errorf("the store method %s returns access tokens: add a method to stampedStore in internal/tokens that stamps them", name)
		}
	}
}

// readsAccessTokens returns the methods of interfaces whose results name
// AccessToken.
func readsAccessTokens(f *ast.File) (names []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		i, ok := n.(*ast.InterfaceType)
		if !ok {
			return true
		}
		for _, m := range i.Methods.List {
			method, isMethod := m.Type.(*ast.FuncType)
			if isMethod && method.Results != nil && mentions(method.Results, "AccessToken") {
				names = append(names, m.Names[0].Name)
			}
		}
		return true
	})
	return names
}

// mentions reports whether a node contains an identifier with the name.
func mentions(n ast.Node, name string) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return !found
	})
	return found
}

// methodsOf returns the methods that a file declares on a type.
func methodsOf(f *ast.File, typ string) (names []string) {
	for _, d := range functions(f) {
		if d.Recv != nil && mentions(d.Recv, typ) {
			names = append(names, d.Name.Name)
		}
	}
	return names
}

// unstamped returns the positions in a file where an oauth.AccessToken is created
// without InheritScopes.
func unstamped(f *ast.File) (found []token.Pos) {
	ast.Inspect(f, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if s, ok := lit.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "AccessToken" && !hasKey(lit, "InheritScopes") {
			found = append(found, lit.Pos())
		}
		return true
	})
	return found
}

func hasKey(lit *ast.CompositeLit, name string) bool {
	return slices.ContainsFunc(lit.Elts, func(e ast.Expr) bool {
		pair, ok := e.(*ast.KeyValueExpr)
		return ok && mentions(pair.Key, name)
	})
}

// unstamped finds exactly the tokens without InheritScopes.
func TestUnstamped(t *testing.T) {
	for body, want := range map[string]int{
		`return &oauth.AccessToken{ID: "x"}`:                               1,
		`return &oauth.AccessToken{ID: "x", InheritScopes: p.Inherit}`:     0,
		`r := oauth.TokenRequest{InheritScopes: true}; use(r); return nil`: 0,
	} {
		text := "package p\nfunc (s *Server) f() *oauth.AccessToken { " + body + " }"
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("p", "p.go"), text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(unstamped(f)); got != want {
			t.Errorf("unstamped(%s) found %d places, want %d", strings.TrimSpace(body), got, want)
		}
	}
}
