package demo_test

import (
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/demo"
)

// newDisplay returns a browser at the page of a device, and its address. The server
// responds to polls with the value of response.
func newDisplay(t *testing.T, response *atomic.Value) (*http.Client, string) {
	t.Helper()
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": s.URL, "token_endpoint": s.URL + "/oauth/token", "device_authorization_endpoint": s.URL + "/oauth/device/code"})
	})
	mux.HandleFunc("POST /oauth/device/code", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("client_id") != "demo-device" || r.PostFormValue("device_name") == "" || r.UserAgent() != "KitchenDisplay/1.0" {
			t.Errorf("the request for a code is %v by %s, want a client ID and names of the device", r.PostForm, r.UserAgent())
		}
		_, _ = io.WriteString(w, `{"device_code":"secret","user_code":"WDJB-MJHT","verification_uri":"`+s.URL+`/oauth/device","verification_uri_complete":"`+s.URL+`/oauth/device?user_code=WDJB-MJHT","interval":1}`)
	})
	mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("device_code") != "secret" {
			t.Errorf("the poll is %v, want the device code", r.PostForm)
		}
		body := response.Load().(string)
		if strings.Contains(body, "error") {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, body)
	})
	mux.HandleFunc("GET /api/orders", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"token":"`+r.Header.Get("Authorization")+`"}`)
	})
	demo.NewDisplay(demo.AppConfig{Issuer: s.URL, ClientID: "demo-device", Scopes: []string{"check-status"}, Logger: slog.New(slog.DiscardHandler)}).Mount(mux)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}, s.URL
}

// read returns the text of a page, and whether it changes by itself.
func read(t *testing.T, res *http.Response, err error) (text string, changes bool) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return html.UnescapeString(string(body)), res.Header.Get("Refresh") != ""
}

// The device shows a code and its QR code, asks for its tokens, and calls the API.
func TestDisplay_PA_9(t *testing.T) {
	for name, test := range map[string]struct{ response, want string }{
		"allowed":  {`{"access_token":"token","token_type":"Bearer"}`, `"token": "Bearer token"`},
		"declined": {`{"error":"access_denied"}`, "You declined, so the display has no access."},
		"expired":  {`{"error":"expired_token"}`, "The code has expired."},
		"pending":  {`{"error":"authorization_pending"}`, "WDJB-MJHT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var response atomic.Value
			response.Store(test.response)
			browser, at := newDisplay(t, &response)
			page := at + "/demo/device"
			res, err := browser.Get(page)
			off, changes := read(t, res, err)
			_, token, _ := strings.Cut(off, `name="form_token" value="`)
			token, _, _ = strings.Cut(token, `"`)
			if !strings.Contains(off, "The display is off.") || changes || token == "" {
				t.Fatalf("before it is turned on the page is\n%s", off)
			}
			res, err = browser.PostForm(page, url.Values{"form_token": {token}})
			shown, changes := read(t, res, err)
			for _, want := range []string{"WDJB-MJHT", `<svg class="qr"`, at + "/oauth/device?user_code=WDJB-MJHT"} {
				if !strings.Contains(shown, want) || strings.Contains(shown, "The display is off.") || !changes {
					t.Errorf("the screen lacks %s, or does not change by itself:\n%s", want, shown)
				}
			}
			time.Sleep(1100 * time.Millisecond) // the interval
			res, err = browser.Get(page)
			if got, _ := read(t, res, err); !strings.Contains(got, test.want) {
				t.Errorf("after the poll the screen lacks %q:\n%s", test.want, got)
			}
			res, err = http.PostForm(page, url.Values{"form_token": {token}}) // another browser
			if _, _ = read(t, res, err); res.StatusCode != http.StatusForbidden {
				t.Errorf("the form of another browser has the status %d, want 403", res.StatusCode)
			}
		})
	}
}
