package jsonapi

import (
	"io"
	"net/http"

	"github.com/go-passport/passport/internal/wire"
)

// Refresh returns the endpoint POST /oauth/token/refresh. A page that is open for a
// long time calls it to renew its first-party cookie.
func (a *API) Refresh() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.refresh(w, r); err != nil {
			res := a.refuse(w, r, err)
			wire.WriteJSON(w, res.status, res.body)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, "Refreshed.") // a failed write means that the browser has disconnected
	})
}

func (a *API) refresh(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return wrongMethod(w, r, r.Method, http.MethodPost)
	}
	if err := a.Forms.CheckScript(r); err != nil {
		return &failure{status: http.StatusForbidden, Message: "The request was sent by another site.", cause: err}
	}
	at, err := wire.Received(r)
	if err != nil {
		return malformed(err)
	}
	signedIn, err := a.Cookies.Refresh(w, r, at)
	if err == nil && !signedIn {
		err = errUnauthenticated
	}
	return err
}
