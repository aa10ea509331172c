package demo

import (
	"log/slog"
	"net/http"

	"github.com/go-passport/passport/internal/page"
)

var overviewPage = parse("overview.html", page.Mark, "tour.css")

// overview is the page at the root of the tour.
type overview struct {
	styled
	Issuer, Email, Password string
}

// Site is the name at the top of the page.
func (*overview) Site() string { return "Passport" }

// JWKS is the path of the public keys.
func (*overview) JWKS() string { return "/oauth/jwks" }

// Overview returns the page at the root of the tour.
func (m *Made) Overview(logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		v := &overview{Issuer: m.Issuer, Email: Email, Password: Password}
		if err := overviewPage.render(w, http.StatusOK, v); err != nil {
			logger.Error("the tour can't show a page", "err", err)
			http.Error(w, "The page can't be shown.", http.StatusInternalServerError)
		}
	})
}
