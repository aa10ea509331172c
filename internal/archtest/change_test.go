package archtest_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// A change of the server is one call of Change: the write with its audit record,
// then the events. So nothing else in the server calls OnEvent, and store methods
// with an audit record are called only inside an argument of Change.
func TestChangesGoThroughOneCall(t *testing.T) {
	files, set := sources(t)
	var writes []string
	for _, s := range files {
		if s.room == "oauth" {
			writes = append(writes, audited(s.file)...)
		}
	}
	for _, name := range []string{"IssueCode", "Issue", "CreateClient", "RevokeFamily", "Withdraw"} {
		if !slices.Contains(writes, name) {
			t.Errorf("no interface of oauth has the method %s with an audit record: this test finds %q", name, writes)
		}
	}
	calls := 0
	for _, s := range files {
		if !serving(s.room) {
			continue
		}
		inChange := map[ast.Node]bool{}
		for _, f := range functions(s.file) {
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				sel, ok := call.Fun.(*ast.SelectorExpr)
				switch {
				case !ok:
				case sel.Sel.Name == "Change" || sel.Sel.Name == "Changes":
					calls++
					for _, arg := range call.Args {
						ast.Inspect(arg, func(n ast.Node) bool { inChange[n] = true; return true })
					}
				case sel.Sel.Name == "OnEvent" && f.Name.Name != "publish":
					t.Errorf("%s: OnEvent is called outside of audit.Log: give Change the event", set.Position(n.Pos()))
				case slices.Contains(writes, sel.Sel.Name) && mentions(sel.X, "store") && !inChange[n]:
					t.Errorf("%s: the store's %s is called outside of Change: call it in the write of a Change", set.Position(n.Pos()), sel.Sel.Name)
				}
				return true
			})
		}
	}
	if calls < 10 {
		t.Errorf("the server calls Change %d times, want 10 or more: does this test look for the right name?", calls)
	}
}

// serving reports whether a room belongs to the server: the facade, or an
// internal room that is neither a store nor for tests nor for imports.
func serving(room string) bool {
	return room == "." || strings.HasPrefix(room, "internal/") &&
		!slices.Contains([]string{"internal/demo", "internal/sqldb", "internal/dbtest", "internal/testkit", "internal/e2e", "internal/dburl", "internal/laravelimport"}, room)
}

// audited returns the methods of interfaces that take an audit record, by itself or
// in the struct of one write.
func audited(f *ast.File) (names []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		i, ok := n.(*ast.InterfaceType)
		if !ok {
			return true
		}
		for _, m := range i.Methods.List {
			method, isMethod := m.Type.(*ast.FuncType)
			takes := func(name string) bool { return mentions(method.Params, name) }
			if isMethod && (takes("AuditRecord") || takes("CodeIssuance") || takes("Issuance")) {
				names = append(names, m.Names[0].Name)
			}
		}
		return true
	})
	return names
}
