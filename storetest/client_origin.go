package storetest

import (
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// clientOrigins changes the allowed origins of a client. Each way to read the client
// returns them, and the store refuses a value that isn't an origin.
func clientOrigins(w *world) {
	c := &oauth.Client{ID: "app", Key: "key of app", Owner: user("owner"), CreatedAt: now}
	w.must(w.store.CreateClient(w.Context(), c, nil))
	w.must(w.store.Issue(w.Context(), issuance(c, nil, "own", oauth.Spend{})))
	for _, want := range [][]string{nil, {"capacitor://localhost"}, {"tauri://localhost", "http://tauri.localhost"}, {}, nil} {
		c = w.update(c.ID, func(c *oauth.Client) { c.AllowedOrigins = want })
		for verb, got := range w.everyReading(c) {
			if !slices.Equal(got.AllowedOrigins, want) || (got.AllowedOrigins == nil) != (want == nil) {
				w.Errorf("%s: AllowedOrigins = %#v, want %#v", verb, got.AllowedOrigins, want)
			}
		}
	}
	for _, odd := range []string{"", "null", "https://a.example https://b.example", "tauri://\x00"} {
		changed := *c
		changed.AllowedOrigins, changed.UpdatedAt = []string{odd}, now.Add(time.Hour)
		if w.store.UpdateClient(w.Context(), &changed, nil) == nil {
			w.Errorf("UpdateClient() with the allowed origin %q = nil, want the error of Client.Validate", odd)
		}
		created := &oauth.Client{ID: "odd", AllowedOrigins: []string{odd}, CreatedAt: now}
		if w.store.CreateClient(w.Context(), created, nil) == nil {
			w.Errorf("CreateClient() with the allowed origin %q = nil, want the error of Client.Validate", odd)
		}
	}
}
