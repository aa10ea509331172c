package archtest_test

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// secretField matches the names of fields that may hold a secret, a token, a code,
// a key or a password.
var secretField = regexp.MustCompile(`(?i)(secret|token|password|passphrase|bearer|^code$|verifier|ticket|cookie|credential|private|^key|keys$|seed|sealed|hash|^form$|^env$|^params$|^dsn$|database_?url|^target$|^href$)`)

// secretTypes are the types of such fields. The check of a field with another
// type, such as a struct, is at that type.
var secretTypes = []string{"string", "[]byte", "[][]byte", "[]string", "url.Values", "any", "map[string]string", "[32]byte"}

// harmless are fields that only look like secrets.
var harmless = map[string]string{
	"account.Config.TokensPath":                "a path",
	"dashboard.Config.PasswordPage":            "an address",
	"event.Revoked.TokenID":                    "an ID",
	"internal/keyring.Rotated.KeyID":           "an ID",
	"internal/sqldb.Member.Key":                "an ID",
	"internal/tokens.Response.TokenType":       "always Bearer",
	"internal/tokens.Ticket.TokenID":           "an ID",
	"oauth.Client.Key":                         "a name that the server chooses",
	"oauth.CodeIssuance.Ticket":                "the ID of a ticket",
	"oauth.ClientOpenID.IDTokenAlg":            "the name of an algorithm",
	"oauth.Disconnection.TokenID":              "an ID",
	"oauth.PendingRequest.Sealed":              "encrypted",
	"oauth.ImportedRefreshToken.AccessTokenID": "an ID",
	"oauth.RefreshToken.AccessTokenID":         "an ID",
	"passport.Config.PersonalTokenPrefix":      "every token has it",
	"passport.Rotated.KeyID":                   "an ID",
	"views.ErrorPage.Code":                     "an error code",
}

// checked reports whether the exported types of a room must hide secrets. Other
// rooms have only secrets of tests and of the tour.
func checked(room string) bool {
	return !hasPrefix(room, []string{"bench", "examples", "storetest", "internal/demo", "internal/dbtest", "internal/testkit"})
}

// TestSecrets_FR_15_EveryTypeHidesThem finds every exported struct with a field that
// may hold a secret. fmt and log/slog must not print it, so the type needs the
// methods Format and LogValue. JSON includes it, because APIs return it.
func TestSecrets_FR_15_EveryTypeHidesThem(t *testing.T) {
	files, _ := sources(t)
	methods := map[string][]string{} // methods by type
	for _, s := range files {
		for _, f := range functions(s.file) {
			if f.Recv != nil {
				name := s.typeName(strings.TrimPrefix(typeText(f.Recv.List[0].Type), "*"))
				methods[name] = append(methods[name], f.Name.Name)
			}
		}
	}
	found := 0
	for _, s := range files {
		for name, fields := range s.secrets() {
			found++
			for _, method := range []string{"Format", "LogValue"} {
				if !slices.Contains(methods[name], method) {
					t.Errorf("%s: %s has the secret %s and no method %s: add one that hides it, or a reason to harmless", s.name, name, strings.Join(fields, ", "), method)
				}
			}
		}
	}
	if found < 15 {
		t.Errorf("found only %d types with a secret: does this test look in the right place?", found)
	}
}

func (s source) typeName(name string) string {
	if s.room == "." {
		return "passport." + name
	}
	return s.room + "." + name
}

// secrets returns the fields that may hold a secret, by exported type.
func (s source) secrets() map[string][]string {
	types := map[string][]string{}
	if !checked(s.room) {
		return types
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || !spec.Name.IsExported() {
			return true
		}
		st, ok := spec.Type.(*ast.StructType)
		if !ok {
			return true
		}
		for _, field := range st.Fields.List {
			for _, name := range field.Names {
				of := s.typeName(spec.Name.Name)
				if name.IsExported() && harmless[of+"."+name.Name] == "" && secretField.MatchString(name.Name) && slices.Contains(secretTypes, typeText(field.Type)) {
					types[of] = append(types[of], name.Name)
				}
			}
		}
		return true
	})
	return types
}

func typeText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + typeText(e.X)
	case *ast.SelectorExpr:
		return typeText(e.X) + "." + e.Sel.Name
	case *ast.ArrayType:
		if e.Len != nil {
			if lit, ok := e.Len.(*ast.BasicLit); ok {
				return "[" + lit.Value + "]" + typeText(e.Elt)
			}
			return "[...]" + typeText(e.Elt)
		}
		return "[]" + typeText(e.Elt)
	case *ast.MapType:
		return "map[" + typeText(e.Key) + "]" + typeText(e.Value)
	}
	return ""
}
