package demo

import (
	"encoding/json"
	"net/http"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/guard"
)

// APIPaths are the paths of the API that [MountAPI] adds. It takes tokens, not cookies.
var APIPaths = []string{"/api/user", "/api/orders", "/api/service"}

// MountAPI adds the API of the tour's shop. It is guarded as any application guards its
// API.
func MountAPI(mux interface {
	Handle(pattern string, handler http.Handler)
}, server *passport.Server) {
	mux.Handle("GET /api/user", server.Guard()(http.HandlerFunc(user)))
	mux.Handle("GET /api/orders", server.Guard(guard.Scopes("check-status"))(http.HandlerFunc(orders)))
	mux.Handle("GET /api/service", server.GuardClient()(http.HandlerFunc(service)))
}

// user responds with the user of the token.
func user(w http.ResponseWriter, r *http.Request) {
	u, _ := passport.UserFromContext[*account.User](r.Context())
	writeJSON(w, map[string]any{"id": u.ID, "name": u.Name, "email": u.Email})
}

// orders responds with the user's orders.
func orders(w http.ResponseWriter, r *http.Request) {
	u, _ := passport.UserFromContext[*account.User](r.Context())
	writeJSON(w, map[string]any{
		"customer": u.Name,
		"orders": []map[string]any{
			{"id": 1001, "item": "Espresso machine", "status": "shipped"},
			{"id": 1002, "item": "Coffee beans, 1 kg", "status": "being packed"},
		},
		"may_place_orders": guard.TokenFrom(r.Context()).Can("place-orders"),
	})
}

// service responds to a machine.
func service(w http.ResponseWriter, r *http.Request) {
	token := guard.TokenFrom(r.Context())
	writeJSON(w, map[string]any{
		"message": "You are a client that acts for itself, without a user.",
		"client":  token.Client.ID,
		"scopes":  append([]string{}, token.Scopes...),
	})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the only error is a broken connection
}
