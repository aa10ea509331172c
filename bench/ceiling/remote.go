package main

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"time"
)

// remote guards a route of an API without a database. It verifies each signature once, and
// with ask it also uses a description of the token for ten seconds.
type remote struct {
	reader   *reader
	audience string

	ask   *introspection // nil to verify only
	mu    sync.RWMutex
	asked map[[sha256.Size]byte]asked
}

// asked is a description of a token, with its time.
type asked struct {
	description description
	at          time.Time
}

func (g *remote) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	c, err := g.reader.remember(bearer)
	if err != nil || now.Unix() >= c.Expires || c.Audience != g.audience || c.Scope != scope || !g.active(r, bearer, now) {
		refuse(w, http.StatusUnauthorized, "invalid_token")
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"user": strings.TrimPrefix(c.Subject, "users:")})
}

func (g *remote) active(r *http.Request, bearer string, now time.Time) bool {
	if g.ask == nil {
		return true
	}
	key := sha256.Sum256([]byte(bearer))
	g.mu.RLock()
	a, ok := g.asked[key]
	g.mu.RUnlock()
	if !ok || now.Sub(a.at) > 10*time.Second {
		d, err := g.ask.describe(r.Context(), bearer, g.audience, now)
		if err != nil {
			return false
		}
		a = asked{d, now}
		g.mu.Lock()
		g.asked[key] = a
		g.mu.Unlock()
	}
	return a.description.Active && now.Unix() < a.description.Expires
}
