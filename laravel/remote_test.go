package laravel_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
)

// wire sends the requests of an API to the server without sockets.
type wire struct{ *old }

// RoundTrip implements [http.RoundTripper].
func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.Host = r.URL.RequestURI(), "192.0.2.7:1234", r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	out := httptest.NewRecorder()
	w.ServeHTTP(out, in)
	return out.Result(), nil
}

// An API in another process asks the server about imported tokens, if it asks about JWTs.
func TestRemote_LP_2_ImportedTokens(t *testing.T) {
	o := newOld(t)
	p := o.imported("4", "read")
	c := o.API(testkit.Issuer)
	for introspect, want := range map[time.Duration]int{time.Millisecond: http.StatusOK, 0: http.StatusUnauthorized} {
		api := &guard.Remote{
			Issuer: testkit.Issuer, Audience: testkit.Issuer, ClientID: c.ID, ClientSecret: c.Secret, Introspect: introspect,
			HTTPClient: &http.Client{Transport: wire{o}},
		}
		if got := o.Call(api.Guard(guard.Scopes("read")), "Authorization", "Bearer "+p.access).Status; got != want {
			t.Errorf("with Introspect %v an API responds to an imported token with %d, want %d", introspect, got, want)
		}
	}
	api := &guard.Remote{
		Issuer: testkit.Issuer, Audience: testkit.Issuer, ClientID: c.ID, ClientSecret: c.Secret, Introspect: time.Millisecond, HTTPClient: &http.Client{Transport: wire{o}},
	}
	o.Works(o.RevokeToken(t.Context(), p.id))
	if got := o.Call(api.Guard(), "Authorization", "Bearer "+p.access).Status; got != http.StatusUnauthorized {
		t.Errorf("an API responds to a revoked token with %d, want 401", got)
	}
}
