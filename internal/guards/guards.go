// Package guards creates the guards of one server.
package guards

import (
	"net/http"

	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/ctxtoken"
	"github.com/go-passport/passport/internal/lastused"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/wire"
)

// Guards creates guards. All fields are required, except Config.OnRefusal and Uses.
type Guards struct {
	Config guard.Config // without rules
	Entry  *wire.Entry
	Policy *policy.Policy
	Uses   *lastused.Uses // notes the use of tokens; nil: not noted
}

// New returns middleware that admits requests whose token satisfies the rules.
func (g *Guards) New(rules []guard.Rule) func(http.Handler) http.Handler {
	admit := guard.New(g.Config, rules...)
	return func(next http.Handler) http.Handler {
		admitted := admit(g.noted(next))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			admitted.ServeHTTP(w, g.own(g.Entry.Attach(w, r)))
		})
	}
}

// noted returns a handler that notes the use of the token that a guard of this server
// admitted.
func (g *Guards) noted(next http.Handler) http.Handler {
	if g.Uses == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, _ := ctxtoken.From(r.Context()); a.By == any(g) {
			g.Uses.Note(a.Token.Family, r)
		}
		next.ServeHTTP(w, r)
	})
}

// own returns r for a guard of this server. It keeps a token that another guard of
// this server, or a test, admitted. It drops a token that another server admitted:
// that server's user 1 is another user.
func (g *Guards) own(r *http.Request) *http.Request {
	a, _ := ctxtoken.From(r.Context())
	switch {
	case a.Token != nil && a.By == g:
		return r
	case a.Token != nil && a.By == nil: // a test does not know the server's settings
		token := *a.Token
		token.InheritScopes, token.Audience = g.Policy.InheritScopes, []string{g.Policy.Audience}
		a.Token = &token
		return r.WithContext(ctxtoken.With(r.Context(), a))
	}
	return r.WithContext(ctxtoken.With(r.Context(), ctxtoken.Admitted{By: g}))
}
