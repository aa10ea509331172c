package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// longestAudience has the maximum length.
var longestAudience = "https://api.example/" + strings.Repeat("a", oauth.MaxAudience-len("https://api.example/"))

// clientAudience sets the audience of a client, and removes it again. Each way to read
// a client returns the same audience.
func clientAudience(w *world) {
	c := &oauth.Client{ID: "api", Key: "key of api", Owner: user("owner"), CreatedAt: now}
	w.must(w.store.CreateClient(w.Context(), c, nil))
	w.must(w.store.Issue(w.Context(), issuance(c, nil, "own", oauth.Spend{})))
	for _, want := range []string{"", "https://api.example/v1", longestAudience, "https://api.example/V1", "urn:example:api", ""} {
		if c.Audience != want {
			c = w.update(c.ID, func(c *oauth.Client) { c.Audience = want })
		}
		for verb, got := range w.everyReading(c) {
			if got.Audience != want {
				w.Errorf("%s: Audience = %.40q (%d bytes), want %.40q (%d bytes)", verb, got.Audience, len(got.Audience), want, len(want))
			}
		}
	}
}

// everyReading returns a client as read by each method. The client has the token "own".
func (w *world) everyReading(c *oauth.Client) map[string]*oauth.Client {
	w.Helper()
	byID, err := w.store.Client(w.Context(), c.ID)
	w.must(err)
	byKey, err := w.store.ClientByKey(w.Context(), c.Key)
	w.must(err)
	read := map[string]*oauth.Client{"Client": byID, "ClientByKey": byKey, "AccessToken": w.token("own").Client}
	for owned, err := range w.store.ClientsOf(w.Context(), c.Owner) {
		w.must(err)
		read["ClientsOf"] = owned
	}
	for each, err := range w.store.Clients(w.Context()) {
		if w.must(err); each.ID == c.ID {
			read["Clients"] = each
		}
	}
	return read
}

// oddAudiences stores clients with invalid audiences.
func oddAudiences(w *world) {
	ctx, c := w.Context(), w.client
	for _, odd := range []string{
		longestAudience + "a", "api", "https://api.example/#a", "https://a.example https://b.example", "https://api.example/\x00", "https://api.example/\xff",
	} {
		created := &oauth.Client{ID: fmt.Sprintf("odd %.40q", odd), Audience: odd, CreatedAt: now}
		if w.store.CreateClient(ctx, created, nil) == nil {
			w.Errorf("CreateClient() with the audience %.40q (%d bytes) = nil, want the error of Client.Validate", odd, len(odd))
		}
		_, err := w.store.Client(ctx, created.ID)
		w.refused("Client() that was not created", err, oauth.ErrNotFound)
		changed := *c
		changed.Audience, changed.UpdatedAt = odd, now.Add(time.Hour)
		if w.store.UpdateClient(ctx, &changed, nil) == nil {
			w.Errorf("UpdateClient() to the audience %.40q (%d bytes) = nil, want the error of Client.Validate", odd, len(odd))
		}
	}
	stored, err := w.store.Client(ctx, c.ID)
	if err != nil || stored.Audience != "" || stored.Version != c.Version || !stored.UpdatedAt.Equal(c.UpdatedAt) {
		w.Errorf("Client() after refused updates = %+v, %v, want %+v", stored, err, c)
	}
}
