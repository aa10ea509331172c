package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// clientWithKey returns a client that a server creates for itself. If the ID is empty,
// the store assigns a number.
func clientWithKey(id, key string) *oauth.Client {
	return &oauth.Client{ID: id, Key: key, Name: "created by the server", AuthMethod: oauth.AuthBasic, CreatedAt: now}
}

func clientKeys(w *world) {
	ctx, key := w.Context(), "personal:users"
	missing := []string{"", "missing", key, "a\x00b", "\xff", strings.Repeat("a", 256)}
	for _, k := range missing { // w.client has no key, and no key may find it
		_, err := w.store.ClientByKey(ctx, k)
		w.refused(fmt.Sprintf("ClientByKey(%.10q)", k), err, oauth.ErrNotFound)
	}
	want := fullClient("full")
	want.Key = key
	w.must(w.store.CreateClient(ctx, want, nil))
	if got, err := w.store.ClientByKey(ctx, key); err != nil || !reflect.DeepEqual(got, want) {
		w.Errorf("ClientByKey() = %+v, %v, want %+v", got, err, want)
	}
	w.refused("CreateClient() with the key of another client", w.store.CreateClient(ctx, clientWithKey("second", key), nil), oauth.ErrConflict)
	_, err := w.store.Client(ctx, "second")
	w.refused("Client() that was not created", err, oauth.ErrNotFound)

	// A key stays taken while its client exists, even if the client is revoked.
	w.must(w.store.RevokeClient(ctx, "full", now, nil))
	w.refused("CreateClient() with a revoked client's key", w.store.CreateClient(ctx, clientWithKey("second", key), nil), oauth.ErrConflict)
	if got, err := w.store.ClientByKey(ctx, key); err != nil || got.ID != "full" || !got.RevokedAt.Equal(now) {
		w.Errorf("ClientByKey() of a revoked client = %+v, %v, want the revoked client", got, err)
	}
	for i, similar := range []string{"personal:Users", "personal:users ", "personal:usérs", "PERSONAL:USERS"} {
		id := fmt.Sprint("similar ", i)
		w.must(w.store.CreateClient(ctx, clientWithKey(id, similar), nil))
		if got, err := w.store.ClientByKey(ctx, similar); err != nil || got.ID != id {
			w.Errorf("ClientByKey(%q) = %+v, %v, want client %q", similar, got, err, id)
		}
	}
	for _, id := range []string{"keyless", "keyless too"} { // clients without a key do not conflict
		w.must(w.store.CreateClient(ctx, clientWithKey(id, ""), nil))
	}
	for _, odd := range missing[3:] {
		err := w.store.CreateClient(ctx, clientWithKey("odd", odd), nil)
		if err == nil || errors.Is(err, oauth.ErrConflict) {
			w.Errorf("CreateClient() with the key %.10q = %v, want another error because it cannot be stored", odd, err)
		}
	}
	_, err = w.store.Client(ctx, "odd")
	w.refused("Client() whose key cannot be stored", err, oauth.ErrNotFound)
}

// clientKeyOnce lets many nodes create the same client concurrently, some with an ID
// and some with a number.
func clientKeyOnce(w *world) {
	for round := range w.rounds {
		key := fmt.Sprint("key ", round)
		created, errs := make([]*oauth.Client, rivals), make([]error, rivals)
		atOnce(rivals, func(i int) {
			created[i] = clientWithKey("", key)
			if i%2 == 0 {
				created[i].ID = fmt.Sprint(key, ".", i)
			}
			created[i].Secrets = []oauth.Secret{{Digest: oauth.DigestOf("s"), CreatedAt: now}}
			errs[i] = w.store.CreateClient(w.Context(), created[i], nil)
		})
		var winners []string
		for i, err := range errs {
			switch {
			case err == nil:
				winners = append(winners, created[i].ID)
			case !errors.Is(err, oauth.ErrConflict):
				w.Fatalf("round %d: concurrent CreateClient() = %v, want nil or ErrConflict", round, err)
			case i%2 == 1 && created[i].ID != "":
				w.Fatalf("round %d: a failed CreateClient() assigned the number %q", round, created[i].ID)
			}
		}
		got, err := w.store.ClientByKey(w.Context(), key)
		if len(winners) != 1 || err != nil || got.ID != winners[0] || len(got.Secrets) != 1 {
			w.Fatalf("round %d: ClientByKey() = %+v, %v, want the created client, with its secret; created: %q", round, got, err, winners)
		}
	}
	if all := ids(w, w.store.Clients(w.Context()), clientID); len(all) != w.rounds+1 {
		w.Errorf("%d clients after %d rounds, want one per round and the initial one", len(all), w.rounds)
	}
}

// number creates a client that gets the next number, and returns the number.
func (w *world) number() string {
	w.Helper()
	c := clientWithKey("", "")
	w.must(w.store.CreateClient(w.Context(), c, nil))
	return c.ID
}

func (w *world) take(ids ...string) {
	w.Helper()
	for _, id := range ids {
		w.must(w.store.CreateClient(w.Context(), clientWithKey(id, ""), nil))
	}
}

// numberedClients creates many clients concurrently. Each gets a different number, and
// the numbers have no gaps.
func numberedClients(w *world) {
	log, _ := oauth.StoreAs[oauth.AuditStore](w.store)
	w.take("5", "007", "+8", "9 ") // the last three are not numbers
	rounds := min(w.rounds, 20)
	var got, want []string
	for round := range rounds {
		created, errs := make([]*oauth.Client, rivals), make([]error, rivals)
		atOnce(rivals, func(i int) {
			c := fullClient("")
			c.Key, c.Name = "", fmt.Sprint("number of ", round, ".", i)
			errs[i], created[i] = w.store.CreateClient(w.Context(), c, record("numbered")), c
		})
		for i, c := range created {
			if errs[i] != nil {
				w.Fatalf("round %d: one of %d concurrent CreateClient() = %v", round, rivals, errs[i])
			}
			got = append(got, c.ID)
		}
		some := created[round%rivals]
		if stored, err := w.store.Client(w.Context(), some.ID); err != nil || !reflect.DeepEqual(stored, some) {
			w.Fatalf("Client(%q) = %+v, %v, want %+v", some.ID, stored, err, some)
		}
	}
	for n := 1; len(want) < rounds*rivals; n++ {
		if n != 5 {
			want = append(want, strconv.Itoa(n))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("%d clients without an ID have the numbers %.300q, want 1, 2, 3 … without 5, which is taken", len(got), got)
	}
	if log == nil {
		return
	}
	var logged []string
	for r, err := range log.AuditLog(w.Context(), now) {
		w.must(err)
		logged = append(logged, r.ClientID)
	}
	slices.Sort(logged)
	if !slices.Equal(logged, want) {
		w.Errorf("AuditLog() names the clients %.300q, want the assigned numbers", logged)
	}
}

func takenNumbers(w *world) {
	for _, step := range []struct {
		taken []string
		want  []string
	}{
		{nil, []string{"1", "2"}},
		{[]string{"3"}, []string{"4"}},
		{[]string{"5", "6", "8"}, []string{"7", "9", "10"}},
	} {
		w.take(step.taken...)
		for _, want := range step.want {
			if got := w.number(); got != want {
				w.Errorf("with %q taken the next number is %q, want %q", step.taken, got, want)
			}
		}
	}
	// An import from another system may take that many numbers.
	for n := range 2*many + 1 {
		w.take(strconv.Itoa(11 + n))
	}
	for n := range 2 {
		if got, want := w.number(), strconv.Itoa(12+2*many+n); got != want {
			w.Errorf("after %d taken numbers the next is %q, want %q", 2*many+1, got, want)
		}
	}
	// Numbers are taken while others are being assigned.
	errs := make([]error, rivals)
	assigned := make([]string, rivals)
	atOnce(rivals, func(i int) {
		c := clientWithKey("", "")
		if i%2 == 0 {
			c.ID = strconv.Itoa(14 + 2*many + i)
		}
		errs[i], assigned[i] = w.store.CreateClient(w.Context(), c, nil), c.ID
	})
	seen := map[string]bool{}
	for i, err := range errs {
		if i%2 == 0 && errors.Is(err, oauth.ErrConflict) {
			continue // that number was already assigned
		}
		if err != nil || assigned[i] == "" || seen[assigned[i]] {
			w.Errorf("CreateClient() while other numbers are taken = %v, client %q, want a new ID", err, assigned[i])
		}
		seen[assigned[i]] = true
	}
}

// failedNumber makes the creation of a numbered client fail.
func failedNumber(w *world) {
	w.take("x")
	w.must(w.store.CreateClient(w.Context(), clientWithKey("keyed", "key"), nil))
	if got := w.number(); got != "1" {
		w.Errorf("the first number is %q, want 1", got)
	}
	for range 3 {
		c := clientWithKey("", "key")
		w.refused("CreateClient() with a key that is taken", w.store.CreateClient(w.Context(), c, record("failed")), oauth.ErrConflict)
		if c.ID != "" {
			w.Errorf("a failed CreateClient() assigned the number %q", c.ID)
		}
	}
	if got := w.number(); got != "2" {
		w.Errorf("the number after failed calls is %q, want 2", got)
	}
	if log, ok := oauth.StoreAs[oauth.AuditStore](w.store); ok {
		for r, err := range log.AuditLog(w.Context(), now) {
			w.Errorf("AuditLog() has %+v, %v for a client that was not created", r, err)
		}
	}
	want := []string{"1", "2", w.client.ID, "keyed", "x"}
	w.ordered("Clients()", ids(w, w.store.Clients(w.Context()), clientID), want)
	odd := clientWithKey("a\x00b", "")
	if err := w.store.CreateClient(w.Context(), odd, nil); err == nil || errors.Is(err, oauth.ErrConflict) {
		w.Errorf("CreateClient() with an ID that cannot be stored = %v, want another error", err)
	}
}
