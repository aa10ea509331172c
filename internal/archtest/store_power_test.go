package archtest_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// Every optional power of a store is in the list that New checks to warn about
// missing powers (FR-44). An interface of package oauth is a power if its comment
// says so, or if any code asserts a store to it.
func TestStorePowersAreListed_FR_44(t *testing.T) {
	files, _ := sources(t)
	var powers, listed []string
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GenDecl:
				if s.room == "oauth" {
					powers = append(powers, documentedPowers(n)...)
				}
			case *ast.IndexExpr:
				name, power := oauthName(n.X), oauthName(n.Index)
				switch {
				case name == "StoreAs" && power != "":
					powers = append(powers, power)
				case s.name == "internal/feature/store_power.go" && power != "":
					listed = append(listed, power)
				}
			}
			return true
		})
	}
	if len(powers) < 4 || !slices.Contains(powers, "Checker") {
		t.Fatalf("found only the optional powers %q: does this test look in the right place?", powers)
	}
	for _, name := range powers {
		if !slices.Contains(listed, name) {
			t.Errorf("oauth.%s is an optional power of a store: add it to storePowers in internal/feature/store_power.go, with the consequence for a server without it", name)
		}
	}
}

// documentedPowers returns the interfaces whose comment begins with "X is a [Store]".
func documentedPowers(d *ast.GenDecl) (names []string) {
	for _, spec := range d.Specs {
		typ, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		if _, ok := typ.Type.(*ast.InterfaceType); ok && strings.HasPrefix(d.Doc.Text(), typ.Name.Name+" is a [Store]") {
			names = append(names, typ.Name.Name)
		}
	}
	return names
}

// oauthName returns X for oauth.X.
func oauthName(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == "oauth" {
			return s.Sel.Name
		}
	}
	return ""
}
