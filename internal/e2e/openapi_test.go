package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// described sends requests and checks requests and responses against
// docs/openapi.json.
type described struct {
	*application
	routes routers.Router
	cookie *http.Cookie   // of a signed-in user
	last   *http.Response // without its body
}

// newDescribed loads docs/openapi.json, checks it, and starts an application with a
// signed-in user. A response must not have a field that the file lacks.
func newDescribed(t *testing.T) *described {
	t.Helper()
	file, err := openapi3.NewLoader().LoadFromFile("../../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &described{application: startApplication(t)}
	file.Servers = openapi3.Servers{{URL: d.URL}}
	for _, schema := range file.Components.Schemas {
		closeObjects(schema.Value)
	}
	openapi3filter.RegisterBodyDecoder("application/x-www-form-urlencoded", decodeForm)
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.FileBodyDecoder)
	if d.routes, err = gorillamux.NewRouter(file); err != nil {
		t.Fatal(err)
	}
	res, err := noRedirect.Get(d.URL + "/sign-in/1")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for _, cookie := range res.Cookies() {
		d.cookie = cookie
	}
	return d
}

// closeObjects makes a schema refuse fields that it lacks.
func closeObjects(s *openapi3.Schema) {
	if s.Type.Is("object") && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
		s.AdditionalProperties.Has = new(bool)
	}
	for _, property := range s.Properties {
		closeObjects(property.Value)
	}
	if s.Items != nil {
		closeObjects(s.Items.Value)
	}
}

// decodeForm decodes a form into an object of texts. The library's decoder has no oneOf.
func decodeForm(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(text))
	fields := map[string]any{}
	for name := range form {
		fields[name] = form.Get(name)
	}
	return fields, err
}

var noRedirect = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// send sends a request, and returns the body of the response after both were checked.
// A refused request is not checked: it is wrong on purpose.
func (d *described) send(t *testing.T, want int, method, path, contentType, body string, header ...string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, d.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	route, params, err := d.routes.FindRoute(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if want < 400 {
		if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
			t.Errorf("%s %s does not fit docs/openapi.json: %v", method, path, err)
		}
	}
	r.Body = io.NopCloser(strings.NewReader(body))
	res, err := noRedirect.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	d.last = res
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != want {
		t.Fatalf("%s %s = %d %s, want %d", method, path, res.StatusCode, text, want)
	}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: res.StatusCode, Header: res.Header,
		Body: io.NopCloser(bytes.NewReader(text)), Options: input.Options,
	})
	if err != nil {
		t.Errorf("the response %d of %s %s does not fit docs/openapi.json: %v\n%.2000s", res.StatusCode, method, path, err, text)
	}
	return string(text)
}

// form sends a form as a client, and returns the response.
func (d *described) form(t *testing.T, want int, path string, c *passport.NewClient, fields ...string) string {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(c.Client.ID), url.QueryEscape(c.Secret))
	return d.send(t, want, http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode(), "Authorization", r.Header.Get("Authorization"))
}

// script sends a request as a script of the user's page.
func (d *described) script(t *testing.T, want int, method, path, body string) string {
	t.Helper()
	return d.send(t, want, method, path, "application/json", body,
		"Cookie", d.cookie.String(), "Origin", d.URL, "Accept", "application/json")
}

// docs/openapi.json is a valid OpenAPI file, and describes what a running server
// responds.
func TestE2E_OpenAPI_Responses(t *testing.T) {
	d := newDescribed(t)
	t.Run("clients of OAuth", d.oauthClient)
	t.Run("consent as JSON", d.consent)
	t.Run("JSON API", d.jsonAPI)
}

func (d *described) register(t *testing.T, r passport.Registration) *passport.NewClient {
	t.Helper()
	created, err := d.auth.CreateClient(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	d.canaries.add("client secret", created.Secret)
	return created
}

func (d *described) oauthClient(t *testing.T) {
	c := d.register(t, passport.Registration{Name: "Machine", GrantTypes: []string{"client_credentials"}})
	tokens := d.form(t, 200, "/oauth/token", c, "grant_type", "client_credentials", "scope", "place-orders")
	token := field(t, tokens, "access_token")
	d.form(t, 200, "/oauth/introspect", c, "token", token)
	d.form(t, 200, "/oauth/revoke", c, "token", token)
	d.form(t, 200, "/oauth/introspect", c, "token", token)
	d.form(t, 400, "/oauth/token", c, "grant_type", "refresh_token", "refresh_token", "unknown")
	d.form(t, 400, "/oauth/revoke", c)
	stranger := &passport.NewClient{Client: &oauth.Client{ID: "unknown"}, Secret: "wrong"}
	d.form(t, 401, "/oauth/token", stranger, "grant_type", "client_credentials")
	d.send(t, 200, "GET", "/oauth/jwks", "", "")
	d.send(t, 200, "GET", "/.well-known/oauth-authorization-server", "", "")
	d.send(t, 200, "GET", "/.well-known/oauth-protected-resource", "", "")
}

func (d *described) consent(t *testing.T) {
	const callback = "https://tracker.example.com/callback"
	c := d.register(t, passport.Registration{Name: "Order Tracker", RedirectURIs: []string{callback}})
	request := strings.TrimPrefix(authorize(&d.server, c.Client.ID, callback, "scope", "place-orders"), d.URL)
	d.send(t, 401, "GET", request, "", "", "Accept", "application/json", "Origin", d.URL)
	d.send(t, 303, "GET", request, "", "", "Accept", "text/html")
	d.send(t, 400, "GET", "/oauth/authorize?client_id=unknown&response_type=code", "", "", "Accept", "text/html")
	d.send(t, 200, "GET", request, "", "", "Accept", "text/html", "Cookie", d.cookie.String())
	ticket, cookies := d.ticket(t, request)
	allowed := d.send(t, 200, "POST", "/oauth/authorize", "application/json", `{"ticket":"`+ticket+`","decision":"allow"}`,
		"Accept", "application/json", "Origin", d.URL, "Cookie", cookies)
	back, err := url.Parse(field(t, allowed, "redirect_to"))
	if err != nil {
		t.Fatal(err)
	}
	tokens := d.form(t, 200, "/oauth/token", c, "grant_type", "authorization_code", "code", back.Query().Get("code"),
		"redirect_uri", callback, "code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") // RFC 7636 appendix B
	refresh := field(t, tokens, "refresh_token")
	d.form(t, 200, "/oauth/introspect", c, "token", refresh)
	d.form(t, 200, "/oauth/token", c, "grant_type", "refresh_token", "refresh_token", refresh)

	list := d.script(t, 200, "GET", "/oauth/tokens", "")
	d.script(t, 204, "DELETE", "/oauth/tokens/"+field(t, strings.Trim(list, "[]\n"), "id"), "")
	d.script(t, 404, "DELETE", "/oauth/tokens/unknown", "")
	ticket, cookies = d.ticket(t, request)
	d.send(t, 200, "DELETE", "/oauth/authorize", "application/json", `{"ticket":"`+ticket+`"}`,
		"Accept", "application/json", "Origin", d.URL, "Cookie", cookies)
}

// ticket opens the consent page as JSON, and returns its ticket and the cookies to
// send with the decision.
func (d *described) ticket(t *testing.T, request string) (ticket, cookies string) {
	t.Helper()
	page := d.send(t, 200, "GET", request, "", "", "Accept", "application/json", "Origin", d.URL, "Cookie", d.cookie.String())
	cookies = d.cookie.String()
	for _, cookie := range d.last.Cookies() {
		cookies += "; " + cookie.Name + "=" + cookie.Value
	}
	return field(t, page, "ticket"), cookies
}

func (d *described) jsonAPI(t *testing.T) {
	d.send(t, 401, "GET", "/oauth/clients", "", "")
	d.send(t, 403, "POST", "/oauth/clients", "application/json", `{}`, "Origin", "https://evil.example", "Cookie", d.cookie.String())
	d.script(t, 422, "POST", "/oauth/clients", `{"name":"","redirect":"nonsense"}`)
	made := d.script(t, 201, "POST", "/oauth/clients", `{"name":"My App","redirect":"https://app.example.com/callback"}`)
	d.canaries.add("client secret", field(t, made, "secret"))
	d.script(t, 201, "POST", "/oauth/clients", `{"name":"My Phone","redirect":"com.example.app:/callback","confidential":false}`)
	d.script(t, 200, "GET", "/oauth/clients", "")
	path := "/oauth/clients/" + field(t, made, "id")
	d.script(t, 200, "PUT", path, `{"name":"Your App","redirect":"https://app.example.com/callback"}`)
	d.script(t, 422, "PUT", path, `{}`)
	d.script(t, 204, "DELETE", path, "")
	d.script(t, 404, "DELETE", "/oauth/clients/unknown", "")

	d.script(t, 200, "GET", "/oauth/scopes", "")
	d.script(t, 422, "POST", "/oauth/personal-access-tokens", `{"name":"Script","scopes":["unknown"]}`)
	made = d.script(t, 200, "POST", "/oauth/personal-access-tokens", `{"name":"Script","scopes":["place-orders"]}`)
	d.canaries.add("personal access token", field(t, made, "accessToken"))
	list := d.script(t, 200, "GET", "/oauth/personal-access-tokens", "")
	d.script(t, 204, "DELETE", "/oauth/personal-access-tokens/"+field(t, strings.Trim(list, "[]\n"), "id"), "")
	d.send(t, 200, "POST", "/oauth/token/refresh", "", "", "Origin", d.URL, "Cookie", d.cookie.String())
}

// field returns a text field of a JSON object.
func field(t *testing.T, object, name string) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(object), &fields); err != nil {
		t.Fatalf("%v: %s", err, object)
	}
	value, ok := fields[name].(string)
	if !ok {
		t.Fatalf("there is no text %s in %s", name, object)
	}
	return value
}
