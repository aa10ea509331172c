package guard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/passporttest"
)

func TestRemote_AdmitsUsersAndClients(t *testing.T) {
	p := newProcess(t, nil)
	p.api.Users = p.accounts
	token, machine := p.token(), p.Machine()
	own := p.MachineToken(machine, "scope", "write", "resource", orders)

	if got := p.bearer(token, guard.Scopes("read")).Told(); got.User != "alice" || got.Provider != "users" || len(got.Scopes) != 1 {
		t.Errorf("a user's token: the handler gets %+v, want alice of the provider users with the scope read", got)
	}
	if got := p.bearer(own).Told(); got.User != "" || got.Provider != "" || got.Client != machine.ID {
		t.Errorf("a client's own token: the handler gets %+v, want no user and the client %s", got, machine.ID)
	}
	for what, tt := range map[string]struct {
		guard  func(http.Handler) http.Handler
		token  string
		status int
		says   string
	}{
		"user at Guard":             {p.api.Guard(), token, 200, ""},
		"client at Guard":           {p.api.Guard(), own, 403, "a user's token is required"},
		"user at GuardClient":       {p.api.GuardClient(), token, 403, "a client's own token is required"},
		"client at GuardClient":     {p.api.GuardClient(), own, 200, ""},
		"user of another provider":  {p.api.Guard(guard.Provider("staff")), token, 403, "a user of another provider"},
		"user without the scope":    {p.api.Guard(guard.Scopes("write")), token, 403, `scope="write"`},
		"user with one scope":       {p.api.Guard(guard.AnyScope("write", "read")), token, 200, ""},
		"client without the scope":  {p.api.GuardClient(guard.Scopes("read")), own, 403, `scope="read"`},
		"custom rule":               {p.api.Guard(guard.RuleFunc(func(*oauth.AccessToken) error { return errors.New("down") })), token, 500, ""},
		"client with another guard": {p.api.GuardAny(), own, 200, ""},
	} {
		a := p.Call(tt.guard, "Authorization", "Bearer "+tt.token)
		if a.Status != tt.status || !strings.Contains(a.Header.Get("WWW-Authenticate"), tt.says) {
			t.Errorf("%s: %d with challenge %q, want %d and %q", what, a.Status, a.Header.Get("WWW-Authenticate"), tt.status, tt.says)
		}
	}
	p.wantLog("required_scope=write")
	p.wantLog("client_id=" + machine.ID)
}

// The handler gets what the token says, and only that.
func TestRemote_TokenHasWhatIsKnown(t *testing.T) {
	p := newProcess(t, func(r *guard.Remote) { r.InheritScopes = true })
	token := p.token()
	claims := testkit.ClaimsOf(t, token)
	var got *oauth.AccessToken
	r := httptest.NewRequest("GET", "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	p.api.Guard(guard.Scopes("read:own"))(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = guard.TokenFrom(r.Context())
		if u, ok := passport.UserFromContext[any](r.Context()); ok {
			t.Errorf("UserFromContext() without Remote.Users = %v, want nothing", u)
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
	switch {
	case got == nil:
		t.Fatalf("the API refused a token; its log: %s", p.log)
	case got.ID != claims["jti"] || got.Client.ID != claims["client_id"] || got.Client.Name != "" || got.Audience[0] != orders || !got.Live(time.Now()):
		t.Errorf("token = %+v, want the claims %v and a client without a name", got, claims)
	case got.Family == nil || got.Family.User != testkit.Ref("alice") || float64(got.Family.AuthTime.Unix()) != claims["auth_time"]:
		t.Errorf("family = %+v, want alice and auth_time %v", got.Family, claims["auth_time"])
	}
}

// A user's token is refused if the account is gone, as at the server's own guard.
func TestRemote_Users(t *testing.T) {
	for what, tt := range map[string]struct {
		user   *oauth.User
		err    error
		status int
	}{
		"found":       {&oauth.User{ID: "alice"}, nil, 200},
		"gone":        {nil, oauth.ErrNotFound, 401},
		"unavailable": {nil, fmt.Errorf("dial: %w", oauth.ErrUnavailable), 503},
		"fault":       {nil, errors.New("no such table"), 500},
		"another":     {&oauth.User{ID: "bob"}, nil, 500},
		"nil":         {nil, nil, 500},
	} {
		p := newProcess(t, func(r *guard.Remote) {
			r.Users = func(_ context.Context, ref oauth.UserRef) (*oauth.User, error) {
				if ref != testkit.Ref("alice") {
					t.Errorf("Users got %v, want alice", ref)
				}
				return tt.user, tt.err
			}
		})
		p.want(tt.status, p.token(), "of a user who is "+what)
	}
}

// Two APIs with two servers in one process: a token of one server's user 1 is not
// admitted as the other's, even if one guard is inside the other.
func TestRemote_TwoServers(t *testing.T) {
	first, second := newProcess(t, nil), newProcess(t, nil)
	token := first.token()
	nested := func(h http.Handler) http.Handler { return first.api.Guard()(second.api.Guard()(h)) }
	if a := first.Call(nested, "Authorization", "Bearer "+token); a.Status != 401 {
		t.Errorf("a guard of the second server inside one of the first: %d, want 401 for a token of the first", a.Status)
	}
	nested = func(h http.Handler) http.Handler { return first.api.Guard()(first.api.Guard(guard.Scopes("write"))(h)) }
	if a := first.Call(nested, "Authorization", "Bearer "+token); a.Status != 403 {
		t.Errorf("nested guards of one API: %d, want 403 of the inner rule", a.Status)
	}
	partner := guard.New(guard.Config{Verify: verify})
	for what, inner := range map[string]func(http.Handler) http.Handler{"a remote guard": first.api.Guard(), "a guard of the server": first.Guard()} {
		nested := func(h http.Handler) http.Handler { return partner(inner(h)) }
		if a := first.Call(nested, "Authorization", "Bearer "+known); a.Status != 401 {
			t.Errorf("%s inside a guard with a verifier of the application: %d, want 401 for that verifier's token", what, a.Status)
		}
	}
	local := func(h http.Handler) http.Handler { return first.Guard()(first.api.Guard()(h)) }
	if a := first.Call(local, "Authorization", "Bearer "+first.GrantTokens(first.Web(), "prompt", "consent").Access); a.Status != 401 {
		t.Errorf("a remote guard inside the server's own: %d, want 401 for a token of another audience", a.Status)
	}
}

// In tests, passporttest acts as users and clients; nothing is fetched.
func TestRemote_ActingAs(t *testing.T) {
	p := newProcess(t, func(r *guard.Remote) { r.InheritScopes = true })
	protected := p.api.Guard(guard.Scopes("orders:read"))
	act := func(r *http.Request) int { return p.CallWith(protected, r).Status }
	get := func() *http.Request { return testkit.NewGet(orders + "/orders") }
	if status := act(passporttest.ActingAs(get(), &oauth.User{ID: "ada"}, "orders")); status != 200 {
		t.Errorf("ActingAs a user with the scope = %d, want 200", status)
	}
	if status := act(passporttest.ActingAs(get(), &oauth.User{ID: "ada"}, "other")); status != 403 {
		t.Errorf("ActingAs a user without the scope = %d, want 403", status)
	}
	if status := act(passporttest.ActingAsUserOf(get(), "staff", &oauth.User{ID: "ada"}, "orders")); status != 403 {
		t.Errorf("ActingAs a user of another provider = %d, want 403", status)
	}
	if status := act(passporttest.ActingAsClient(get(), &oauth.Client{ID: "robot"}, "orders")); status != 403 {
		t.Errorf("ActingAsClient = %d, want 403", status)
	}
	if n := len(p.requests()); n != 0 {
		t.Errorf("acting as a user fetched %v, want nothing", p.requests())
	}
}

func TestRemote_OnRefusal(t *testing.T) {
	p := newProcess(t, func(r *guard.Remote) {
		r.Realm = "orders"
		r.OnRefusal = func(w http.ResponseWriter, _ *http.Request, err *oauth.Error) {
			w.WriteHeader(err.Code.Status())
			_, _ = w.Write([]byte("no: " + string(err.Code)))
		}
	})
	if a := p.Call(p.api.Guard()); a.Status != 401 || a.Body != "no: invalid_token" || a.Header.Get("WWW-Authenticate") != `Bearer realm="orders"` {
		t.Errorf("refusal = %d %q with challenge %q, want the application's body and the API's challenge", a.Status, a.Body, a.Header.Get("WWW-Authenticate"))
	}
	if a := p.Call(p.api.Guard()); a.Header.Get("X-Request-Id") == "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("refusal has the headers %v, want a request ID and no-store", a.Header)
	}
}

func TestRemote_PR_01_PR_02_PR_03_PR_04_Metadata(t *testing.T) {
	p := newProcess(t, func(r *guard.Remote) {
		r.Audience, r.Name, r.Scopes = orders+"/v1", "Orders", []string{"read", "offline_access"}
	})
	protected := p.api.Guard()
	if a := p.Call(protected); strings.Contains(a.Header.Get("WWW-Authenticate"), "resource_metadata") {
		t.Errorf("challenge before Mount = %q, want no metadata, which is not served", a.Header.Get("WWW-Authenticate"))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	p.api.Mount(mux)
	const path = "/.well-known/oauth-protected-resource/v1"
	want := `Bearer realm="api", resource_metadata="` + orders + path + `"`
	if a := p.Call(protected); a.Header.Get("WWW-Authenticate") != want {
		t.Errorf("challenge after Mount = %q, want %q", a.Header.Get("WWW-Authenticate"), want)
	}
	get := func(method string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "https://evil.example"+path, nil)
		r.Header.Set("Origin", "https://any.example")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	want = `{"resource":"` + orders + `/v1","resource_name":"Orders","authorization_servers":["` + testkit.Issuer + `"],"scopes_supported":["read"],"bearer_methods_supported":["header"]}` + "\n"
	if w := get("GET"); w.Code != 200 || w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("metadata = %d %v %s, want %s for every origin", w.Code, w.Header(), w.Body, want)
	}
	if w := get("OPTIONS"); w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("preflight = %d %v, want 204 for every origin", w.Code, w.Header())
	}
	if w := get("DELETE"); w.Code != 405 {
		t.Errorf("DELETE of the metadata = %d, want 405", w.Code)
	}
}

func TestRemote_Validate(t *testing.T) {
	good := func() *guard.Remote { return &guard.Remote{Issuer: testkit.Issuer, Audience: orders} }
	for says, change := range map[string]func(*guard.Remote){
		"":                                   func(*guard.Remote) {},
		"Audience is missing":                func(r *guard.Remote) { r.Audience = "" },
		`Audience "orders"`:                  func(r *guard.Remote) { r.Audience = "orders" },
		`Audience "https://a.example/#b"`:    func(r *guard.Remote) { r.Audience = "https://a.example/#b" },
		`Issuer ""`:                          func(r *guard.Remote) { r.Issuer = "" },
		"remove the trailing slash":          func(r *guard.Remote) { r.Issuer += "/" },
		"use https":                          func(r *guard.Remote) { r.Issuer = "http://auth.example.com" },
		"set both or neither":                func(r *guard.Remote) { r.ClientID = "orders" },
		"Introspect needs":                   func(r *guard.Remote) { r.Introspect = time.Second },
		"want a positive duration":           func(r *guard.Remote) { r.Introspect = -1 },
		`Origins has "https://a.example/x"`:  func(r *guard.Remote) { r.Origins = []string{"https://a.example/x"} },
		`Origins has "http://keys.internal"`: func(r *guard.Remote) { r.Origins = []string{"http://keys.internal"} },
	} {
		r := good()
		change(r)
		err := r.Validate()
		if (err != nil) != (says != "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("Validate() = %v, want %q", err, says)
		}
		if panicked := panics(func() { r.Guard() }); panicked != (says != "") {
			t.Errorf("Guard() panics: %t, want %t for %v", panicked, says != "", err)
		}
		if says != "" && !panics(func() { r.Guard() }) {
			t.Errorf("the second Guard() of a Remote with the fault %v returns, want a panic", err)
		}
	}
	for _, insecure := range []string{"http://127.0.0.1:8000", "http://auth"} {
		if err := (&guard.Remote{Issuer: insecure, Audience: orders, InsecureAllowHTTP: true, Origins: []string{"http://keys.internal"}}).Validate(); err != nil {
			t.Errorf("Validate() of the issuer %s = %v, want no fault with InsecureAllowHTTP", insecure, err)
		}
	}
	urn := good()
	urn.Audience = "urn:example:orders"
	if urn.Validate() != nil || !panics(func() { urn.Mount(http.NewServeMux()) }) {
		t.Error("Mount() of an API whose audience has no address returns, want a panic that says so")
	}
}

func panics(f func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	f()
	return false
}

func TestRemote_HidesItsSecret(t *testing.T) {
	r := &guard.Remote{Issuer: testkit.Issuer, Audience: orders, ClientID: "orders", ClientSecret: "hush-hush"}
	testkit.WantHidden(t, r, "hush-hush")
}
