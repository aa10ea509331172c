package secret_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// allowed are comparisons that involve no secret. They are listed by package
// and text, so that a file may be renamed.
var allowed = []string{
	"memstore: other.Digest == secret.Digest", // the operator's own list; avoids storing a digest twice
	"memstore: known.secret != secret",        // two imports of one client
	"memstore: secret.Digest == known.secret", // the stored digest with the imported one
	"memstore: c.Secrets[i].Digest == old",    // the digest that was verified, to replace it
}

// suites are folders of test code whose files do not end in _test.go.
var suites = []string{"storetest", "passporttest", "testkit"}

// A comparison that stops at the first difference reveals how much of a guess
// was right. So every secret must be compared by Equal, by Digest.Matches or by
// the cryptographic library.
func TestNeverRepeat_C3_NoEarlyComparisonOfSecrets(t *testing.T) {
	root := filepath.Join("..", "..")
	files, used := 0, []string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || slices.Contains(suites, d.Name())):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range comparisons(t, source) {
			name := packageOf(t, source) + ": " + found
			if slices.Contains(allowed, name) {
				used = append(used, name)
				continue
			}
			t.Errorf("%s: %s\n\tcompares a secret in non-constant time: use secret.Equal or oauth.Digest.Matches", strings.TrimPrefix(filepath.ToSlash(path), "../../"), found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("only %d files were checked; is the module root elsewhere?", files)
	}
	for _, name := range allowed {
		if !slices.Contains(used, name) {
			t.Errorf("%q is allowed but no longer in the code: remove it from the list", name)
		}
	}
}

// packageOf returns the name of a file's package.
func packageOf(t *testing.T, source []byte) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	return file.Name.Name
}

// The scanner finds the comparisons that it must find, and no others.
func TestNeverRepeat_C3_Scanner(t *testing.T) {
	for statement, want := range map[string]bool{
		`_ = secret == given`:                                true,
		`_ = given != c.Secret`:                              true,
		`_ = clientSecret == r.Form.Get("x")`:                true,
		`_ = s.Digest == oauth.DigestOf(raw)`:                true,
		`_ = DigestOf(raw) == given`:                         true,
		`_ = string(password) == given`:                      true,
		`_ = code.CodeVerifier != given`:                     true,
		`_ = r.PostForm.Get("client_secret") == x`:           true,
		`_ = r.Form["password"][0] == x`:                     true,
		`_ = bytes.Equal(mac, given)`:                        true,
		`_ = strings.EqualFold(signature, x)`:                true,
		`_ = slices.Contains(secrets, given)`:                true,
		`_ = strings.Compare(password, x)`:                   true,
		`_ = sum[:] == password[0]`:                          true,
		`switch secret { case given: }`:                      true,
		`_ = secret == ""`:                                   false, // a test for an empty value reveals nothing
		`_ = len(secret) == 43`:                              false,
		`_ = digest == nil`:                                  false,
		`_ = c.SecretCount == n`:                             false,
		`_ = machine == name`:                                false,
		`_ = err == ErrPassword`:                             false,
		`_ = subtle.ConstantTimeCompare(secret, given) == 1`: false,
		`_ = secret.Equal(secret, given) == true`:            false,
		`_ = c.Secrets == nil`:                               false,
		`switch secret { case "": }`:                         false,
	} {
		found := comparisons(t, []byte("package x\nfunc f() { "+statement+" }"))
		if (len(found) > 0) != want {
			t.Errorf("%s: found = %q, want found = %v", statement, found, want)
		}
	}
}

// comparisons returns the expressions of a file that compare a secret.
func comparisons(t *testing.T, source []byte) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	add := func(n ast.Node) {
		found = append(found, string(source[set.Position(n.Pos()).Offset:set.Position(n.End()).Offset]))
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (tells(n.X) && !known(n.Y) || tells(n.Y) && !known(n.X)) {
				add(n)
			}
		case *ast.SwitchStmt:
			if n.Tag != nil && tells(n.Tag) && slices.ContainsFunc(cases(n), func(e ast.Expr) bool { return !known(e) }) {
				add(n.Tag)
			}
		case *ast.CallExpr:
			if compares(n.Fun) && slices.ContainsFunc(n.Args, tells) && !slices.ContainsFunc(n.Args, known) {
				add(n)
			}
		}
		return true
	})
	return found
}

func cases(s *ast.SwitchStmt) []ast.Expr {
	var all []ast.Expr
	for _, clause := range s.Body.List {
		all = append(all, clause.(*ast.CaseClause).List...)
	}
	return all
}

// word matches the words of an identifier: "ClientSecret", "client_secret" and
// "clientSecrets" all have the word secret or secrets.
var word = regexp.MustCompile(`[A-Z]+(?:[a-z]*)|[a-z]+`)

var secretWords = []string{
	"secret", "secrets", "password", "passwords", "digest", "digests", "verifier", "challenge", "signature", "mac", "hmac", "checksum", "csrf",
}

// tells reports whether an expression names a secret, by its last name or by the
// form parameter that it reads.
func tells(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		words := word.FindAllString(e.Name, -1)
		last := ""
		if len(words) > 0 {
			last = strings.ToLower(words[len(words)-1])
		}
		return slices.Contains(secretWords, last) && !strings.HasPrefix(e.Name, "Err")
	case *ast.SelectorExpr:
		return tells(e.Sel)
	case *ast.ParenExpr:
		return tells(e.X)
	case *ast.StarExpr:
		return tells(e.X)
	case *ast.SliceExpr:
		return tells(e.X)
	case *ast.IndexExpr:
		return tells(e.X) || names(e.Index)
	case *ast.CallExpr:
		return called(e)
	}
	return false
}

// called reports whether a call returns a secret: a conversion of one, or a
// function such as DigestOf or Get("client_secret").
func called(e *ast.CallExpr) bool {
	name := ""
	switch f := e.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	case *ast.ArrayType:
		name = "[]byte"
	}
	switch name {
	case "string", "[]byte", "TrimSpace":
		return slices.ContainsFunc(e.Args, tells)
	case "Get", "FormValue", "PostFormValue":
		return slices.ContainsFunc(e.Args, names)
	}
	return strings.HasPrefix(name, "DigestOf") || strings.HasPrefix(name, "digestOf")
}

// names reports whether an expression is the name of a parameter that holds a
// secret.
func names(e ast.Expr) bool {
	literal, ok := e.(*ast.BasicLit)
	return ok && literal.Kind == token.STRING && tells(ast.NewIdent(strings.Trim(literal.Value, "\"`")))
}

// compares reports whether a function compares in non-constant time.
func compares(fun ast.Expr) bool {
	s, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := s.X.(*ast.Ident)
	return ok && slices.Contains([]string{
		"bytes.Equal", "bytes.Compare", "bytes.EqualFold", "strings.EqualFold", "strings.Compare", "slices.Equal", "slices.Contains", "slices.Index",
		"reflect.DeepEqual", "cmp.Compare", "cmp.Equal",
	}, pkg.Name+"."+s.Sel.Name)
}

// known reports whether an expression is a constant in the source, so that its value
// isn't a secret.
func known(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return e.Name == "nil" || e.Name == "true" || e.Name == "false"
	}
	return false
}
