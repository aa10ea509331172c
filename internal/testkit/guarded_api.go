package testkit

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
)

// admitted is the response of [API].
type admitted struct {
	User     string   `json:"user"`   // from the application's record, empty for a client
	Client   string   `json:"client"` // of the token
	Scopes   []string `json:"scopes"`
	Provider string   `json:"provider"`
}

// API is an API that returns the token and the user that it received from the guard.
func API(w http.ResponseWriter, r *http.Request) {
	t := guard.TokenFrom(r.Context())
	a := admitted{Client: t.Client.ID, Scopes: t.Scopes}
	if u, ok := passport.UserFromContext[*Record](r.Context()); ok {
		a.User = u.ID
	}
	if u, ok := t.Subject().User(); ok {
		a.Provider = u.Provider
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a)
}

// Call sends a request to the API behind a guard. header is pairs of name and
// value.
func (s *Server) Call(protect func(http.Handler) http.Handler, header ...string) *Response {
	r := httptest.NewRequest("GET", "https://api.example.com/orders", nil)
	setHeader(r, header)
	return s.CallWith(protect, r)
}

// CallWith sends a request to the API behind a guard.
func (s *Server) CallWith(protect func(http.Handler) http.Handler, r *http.Request) *Response {
	w := httptest.NewRecorder()
	protect(http.HandlerFunc(API)).ServeHTTP(w, r)
	return &Response{T: s.T, Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}

// Admits reports whether a guard without rules admits the token. It fails the
// test unless the response is 200 or invalid_token.
func (s *Server) Admits(token string) bool {
	s.T.Helper()
	a := s.Call(s.GuardAny(), "Authorization", "Bearer "+token)
	if a.Status != http.StatusOK && (a.Status != http.StatusUnauthorized || !strings.Contains(a.Header.Get("WWW-Authenticate"), `error="invalid_token"`)) {
		s.T.Errorf("guard's response = %s with challenge %q, want 200 or invalid_token", a, a.Header.Get("WWW-Authenticate"))
	}
	return a.Status == http.StatusOK
}

// WantAdmits fails the test unless a guard admits the token, or refuses it if
// want is false.
func (s *Server) WantAdmits(token string, want bool, what string) {
	s.T.Helper()
	if got := s.Admits(token); got != want {
		s.T.Errorf("%s: the guard admits the access token = %v, want %v", what, got, want)
	}
}

// Told returns the API's response.
func (a *Response) Told() (got admitted) {
	a.T.Helper()
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != http.StatusOK {
		a.T.Fatalf("want the API's response, got %s", a)
	}
	return got
}

// Description returns the error_description of a refusal.
func (a *Response) Description() string {
	a.T.Helper()
	text, _ := a.JSON()["error_description"].(string)
	return text
}
