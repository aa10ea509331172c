package archtest_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// facadeLines is the maximum number of code lines in the root package outside of
// documented declarations. The root only wires rooms.
const facadeLines = 500

// facadeStatements is the maximum length of a Server method. Such a method only
// calls a room.
const facadeStatements = 4

func TestFacade_IsThin(t *testing.T) {
	files, set := sources(t)
	lines := 0
	for _, s := range files {
		if s.room != "." {
			continue
		}
		for _, d := range s.file.Decls {
			if n := unexportedLines(set, d); n > 0 {
				lines += n
			}
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && mentions(f.Recv, "Server") && statements(f.Body) > facadeStatements && !slices.Contains(facadeLoops, f.Name.Name) {
				t.Errorf("%s: the method %s of Server has %d statements, want at most %d: call a room", set.Position(f.Pos()), f.Name.Name, statements(f.Body), facadeStatements)
			}
		}
	}
	if lines > facadeLines {
		t.Errorf("the root has %d unexported lines of code, want at most %d: move them to a room", lines, facadeLines)
	}
	t.Logf("the root has %d unexported lines of code", lines)
}

// facadeLoops are methods that only register or yield endpoints.
var facadeLoops = []string{"Routes", "Mount"}

// unexportedLines counts the lines of an unexported declaration or of the body of
// an exported function.
func unexportedLines(set *token.FileSet, d ast.Decl) int {
	length := func(n ast.Node) int { return set.Position(n.End()).Line - set.Position(n.Pos()).Line + 1 }
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() {
			return max(0, length(d.Body)-2)
		}
		return length(d)
	case *ast.GenDecl:
		if d.Tok == token.IMPORT {
			return 0
		}
		n := 0
		for _, spec := range d.Specs {
			if !exportsName(spec) {
				n += length(spec)
			}
		}
		return n
	}
	return 0
}

func exportsName(spec ast.Spec) bool {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return s.Name.IsExported()
	case *ast.ValueSpec:
		return s.Names[0].IsExported()
	}
	return true
}

// statements counts the statements of a body, including nested blocks.
func statements(b *ast.BlockStmt) (n int) {
	ast.Inspect(b, func(node ast.Node) bool {
		switch node.(type) {
		case *ast.BlockStmt:
		case ast.Stmt:
			n++
		}
		return true
	})
	return n
}

// storeVerbs are the rooms that may name each part of a store, by the interface of
// package oauth.
var storeVerbs = map[string][]string{
	"ClientStore":  {"internal/clients"},
	"TokenStore":   {"internal/tokens"},
	"FamilyStore":  {"internal/tokens"},
	"ConsentStore": {"internal/tokens"},

	// These rooms check the whole store for powers, pass it on, or wrap it.
	"Store": {".", "internal/device", "internal/oidc", "internal/rooms", "internal/feature", "internal/tokens", "internal/keyring"},
}

// A room gets only the store methods that it uses, and a grant gets a reader.
// Only the facade sees Config and Server.
func TestRooms_GetOnlyWhatTheyUse(t *testing.T) {
	files, set := sources(t)
	for _, s := range files {
		if !serving(s.room) && s.room != "grant" && s.room != "guard" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, _ := sel.X.(*ast.Ident)
			switch {
			case x == nil:
			case x.Name == "oauth" && storeVerbs[sel.Sel.Name] != nil && !slices.Contains(storeVerbs[sel.Sel.Name], s.room):
				t.Errorf("%s: %s uses oauth.%s: use an interface with only the needed methods", set.Position(n.Pos()), s.room, sel.Sel.Name)
			case x.Name == "passport" && (sel.Sel.Name == "Config" || sel.Sel.Name == "Server"):
				t.Errorf("%s: %s uses passport.%s: take only the needed settings", set.Position(n.Pos()), s.room, sel.Sel.Name)
			}
			return true
		})
	}
}

// writers are the functions of the authorization endpoint that may take a
// ResponseWriter. All others return an outcome.
var writers = []string{"ServeHTTP", "write"}

func TestAuthorize_HasOneWriter(t *testing.T) {
	files, set := sources(t)
	for _, s := range files {
		if s.room != "internal/authorize" {
			continue
		}
		for _, f := range functions(s.file) {
			if mentions(f.Type, "ResponseWriter") && !slices.Contains(writers, f.Name.Name) {
				t.Errorf("%s: %s takes a ResponseWriter: return an outcome", set.Position(f.Pos()), f.Name.Name)
			}
		}
	}
}

// grantTypes are the names of the built-in grants. The server checks the traits
// of a grant and not its name, so that a custom grant can do the same as the
// built-in ones.
var grantTypes = []string{"password", "implicit", "client_credentials", "refresh_token"}

// A grant type's name occurs only where clients send it, in package oauth, and in
// the file that joins the parts of the server.
func TestGrants_AreNotKnownByName(t *testing.T) {
	files, set := sources(t)
	for _, s := range files {
		if !serving(s.room) || s.name == "internal/core/parts.go" || s.name == "internal/jsonapi/records.go" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if ok && lit.Kind == token.STRING && slices.Contains(grantTypes, strings.Trim(lit.Value, "\"`")) {
				t.Errorf("%s: %s is known by name: use its traits", set.Position(n.Pos()), lit.Value)
			}
			return true
		})
	}
}
