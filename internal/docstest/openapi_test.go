package docstest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// openAPI is the part of docs/openapi.json that the tests read.
type openAPI struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas map[string]struct {
			Properties map[string]struct{ Const any }
		}
	}
}

func readOpenAPI(t *testing.T) (file openAPI) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, top+"/docs/openapi.json")), &file); err != nil {
		t.Fatalf("docs/openapi.json: %v", err)
	}
	return file
}

// docs/openapi.json has each path and method that a server with everything enabled
// accepts, and no other. HEAD and OPTIONS are left out: HEAD works where GET does, and
// OPTIONS is for browsers.
func TestOpenAPI_HasTheRoutesOfTheServer(t *testing.T) {
	file := readOpenAPI(t)
	var documented, mounted []string
	for path, operations := range file.Paths {
		for name := range operations {
			if method := strings.ToUpper(name); slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, method) {
				documented = append(documented, method+" "+path)
			}
		}
	}
	for r := range everything(t).Routes() {
		if r.Method != http.MethodHead && r.Method != http.MethodOptions && accepts(r) {
			mounted = append(mounted, r.Method+" "+r.Path)
		}
	}
	for _, route := range mounted {
		if !slices.Contains(documented, route) {
			t.Errorf("docs/openapi.json lacks %s, which the server serves", route)
		}
	}
	for _, route := range documented {
		if !slices.Contains(mounted, route) {
			t.Errorf("docs/openapi.json has %s, which the server does not serve", route)
		}
	}
}

// docs/openapi.json has the form of each built-in grant.
func TestOpenAPI_HasTheGrants(t *testing.T) {
	var documented, supported []string
	for name, schema := range readOpenAPI(t).Components.Schemas {
		if grantType, ok := schema.Properties["grant_type"].Const.(string); ok && strings.HasSuffix(name, "Grant") {
			documented = append(documented, grantType)
		}
	}
	var metadata struct {
		Grants []string `json:"grant_types_supported"`
	}
	if err := json.Unmarshal([]byte(everything(t).Get("/.well-known/oauth-authorization-server").Body), &metadata); err != nil {
		t.Fatal(err)
	}
	for _, g := range metadata.Grants {
		if g != "implicit" { // not at the token endpoint
			supported = append(supported, g)
		}
	}
	slices.Sort(documented)
	slices.Sort(supported)
	if !slices.Equal(documented, supported) {
		t.Errorf("docs/openapi.json has forms for the grants %q, want %q", documented, supported)
	}
}

// everything returns a server with every optional endpoint and grant.
func everything(t *testing.T) *testkit.Server {
	t.Helper()
	return testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}), func(c *passport.Config) {
		c.EnablePasswordGrant, c.EnableImplicitGrant = true, true
		c.Features = append(c.Features, passport.Device{})
	})
}

// accepts reports whether a route accepts its method: the response to a form is not
// a 405.
func accepts(r passport.Route) bool {
	request := httptest.NewRequest(r.Method, testkit.Issuer+strings.ReplaceAll(r.Path, "{id}", "1"), strings.NewReader("ticket=x"))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	r.Handler.ServeHTTP(w, request)
	return w.Code != http.StatusMethodNotAllowed
}
