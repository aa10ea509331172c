package authorize

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// notShown are the fields of a page's data that the digest leaves out.
var notShown = []string{"Page", "AppsPage", "Action", "Ticket", "User.Data", "Scopes.Granted", "Switch"}

// Each field of a consent page changes the digest in its ticket, including fields that
// are added later. The redirect URI and the client's ConsentVersion change it too.
func TestShown_FR_02_EveryFieldCounts(t *testing.T) {
	full := func() *views.ConsentPage {
		return &views.ConsentPage{Scopes: []views.ConsentScope{{ID: "read"}}, Resources: []string{"https://api.example.com"}}
	}
	q := func() *request {
		return &request{client: new(oauth.Client), redirectURI: "https://app.example.com/cb"}
	}
	digest := func(q *request, p *views.ConsentPage) oauth.Digest {
		d, err := q.shown(*p)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before := digest(q(), full())
	for _, path := range fieldPaths(reflect.TypeFor[views.ConsentPage](), "") {
		p := full()
		change(t, reflect.ValueOf(p).Elem(), path)
		counts := digest(q(), p) != before
		if want := !isNotShown(path); counts != want {
			t.Errorf("a change of views.ConsentPage.%s changes the digest: %v, want %v", path, counts, want)
		}
	}
	p := full()
	p.User.Data = func() {} // JSON cannot encode it
	p.Scopes[0].Granted = true
	if digest(q(), p) != before || !p.Scopes[0].Granted {
		t.Error("User.Data or Granted is in the digest, or shown() changed the page")
	}
	moved, counted := q(), q()
	moved.redirectURI += "2"
	counted.client.ConsentVersion++
	for what, q := range map[string]*request{"the redirect URI": moved, "the client's ConsentVersion": counted} {
		if digest(q, full()) == before {
			t.Errorf("%s is not in the digest", what)
		}
	}
}

func isNotShown(path string) bool {
	for _, field := range notShown {
		if path == field || strings.HasPrefix(path, field+".") {
			return true
		}
	}
	return false
}

// fieldPaths returns the fields of a type. Fields of inner structs are joined by a dot.
func fieldPaths(typ reflect.Type, prefix string) (paths []string) {
	for field := range typ.Fields() {
		inner := field.Type
		if inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[time.Time]() {
			paths = append(paths, fieldPaths(inner, prefix+field.Name+".")...)
		} else {
			paths = append(paths, prefix+field.Name)
		}
	}
	return paths
}

// change changes the value of the field with a path.
func change(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	for name := range strings.SplitSeq(path, ".") {
		if v.Kind() == reflect.Slice {
			if v.Len() == 0 {
				v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			}
			v = v.Index(0)
		}
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
		}
		v = v.FieldByName(name)
	}
	if _, ok := reflect.TypeAssert[time.Time](v); ok {
		v.Set(reflect.ValueOf(time.Unix(1, 0)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "!")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int:
		v.SetInt(v.Int() + 1)
	case reflect.Slice:
		v.Set(reflect.Append(v, reflect.ValueOf("more")))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"key": "value"}))
	case reflect.Interface:
		v.Set(reflect.ValueOf("data"))
	default:
		t.Fatalf("ConsentPage.%s has the type %s: add it to this test", path, v.Type())
	}
}
