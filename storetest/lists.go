package storetest

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// many is more than two pages of any sensible size, and not a round number.
const many = 203

func ids[T any](w *world, list iter.Seq2[T, error], id func(T) string) (found []string) {
	w.Helper()
	for record, err := range list {
		if err != nil {
			w.Fatal(err)
		}
		found = append(found, id(record))
	}
	return found
}

func clientID(c *oauth.Client) string     { return c.ID }
func tokenID(t *oauth.AccessToken) string { return t.ID }

// ordered fails the test unless the list has these IDs, in byte order.
func (w *world) ordered(what string, got, want []string) {
	w.Helper()
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		w.Errorf("%s yields %d records %.200q, want %d ordered by ID", what, len(got), got, len(want))
	}
}

func lists(w *world) {
	alice, bob := user("alice"), user("bob")
	all, hers, secrets := []string{w.client.ID}, []string(nil), 0
	for n := range many {
		c := &oauth.Client{ID: fmt.Sprint("Cc"[n%2:n%2+1], many-n), Owner: bob, CreatedAt: now}
		if n%3 > 0 {
			c.Owner, hers = alice, append(hers, c.ID)
		}
		secrets += n % 3
		for k := range n % 3 {
			c.Secrets = append(c.Secrets, oauth.Secret{Digest: oauth.DigestOf(fmt.Sprint(k)), CreatedAt: now})
		}
		w.must(w.store.CreateClient(w.Context(), c, nil))
		all = append(all, c.ID)
	}
	w.ordered("Clients()", ids(w, w.store.Clients(w.Context()), clientID), all)
	w.ordered("ClientsOf()", ids(w, w.store.ClientsOf(w.Context(), alice), clientID), hers)
	revoked := hers[len(hers)/2]
	w.must(w.store.RevokeClient(w.Context(), revoked, now, nil))
	w.ordered("UnrevokedClientsOf()", ids(w, w.store.UnrevokedClientsOf(w.Context(), alice), clientID),
		slices.DeleteFunc(slices.Clone(hers), func(id string) bool { return id == revoked }))
	w.ordered("ClientsOf() a user without clients", ids(w, w.store.ClientsOf(w.Context(), user("carol")), clientID), nil)
	n := 0
	for c, err := range w.store.Clients(w.Context()) {
		w.must(err)
		n += len(c.Secrets)
	}
	if n != secrets {
		w.Errorf("the clients of Clients() have %d secrets, want %d", n, secrets)
	}

	var tokens []string
	f := family(w.client, "family", alice)
	w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
	for n := range many {
		id := fmt.Sprint("Tt"[n%2:n%2+1], many-n)
		w.must(w.store.Issue(w.Context(), issuance(w.client, f, id, oauth.Spend{})))
		tokens = append(tokens, id)
	}
	w.must(w.store.Issue(w.Context(), issuance(w.client, nil, "own", oauth.Spend{})))
	w.start(family(w.client, "bob's", bob))
	w.ordered("TokensOf()", ids(w, w.store.TokensOf(w.Context(), alice), tokenID), tokens)
	for token, err := range w.store.TokensOf(w.Context(), alice) {
		if err != nil || token.Client.ID != w.client.ID || token.Family.ID != f.ID {
			w.Errorf("TokensOf() yields %+v, %v, want its client and family", token, err)
		}
		break // stop early
	}
}

// callsInsideLoops deadlocks with a single connection if a list keeps its rows open.
func callsInsideLoops(w *world) {
	f := w.begin(user("1"))
	for range 5 {
		w.issue(f, oauth.Spend{})
	}
	n := 0
	for token, err := range w.store.TokensOf(w.Context(), f.User) {
		w.must(err)
		w.must(w.store.RevokeToken(w.Context(), token.ID, now, nil))
		w.lives("revoked in a loop", token.ID, false)
		n++
	}
	for c, err := range w.store.Clients(w.Context()) {
		w.must(err)
		w.must(w.store.RevokeClient(w.Context(), c.ID, now, nil))
		n++
	}
	if n != 6 {
		w.Errorf("the loops saw %d records, want 6", n)
	}
}

// similarIDs uses IDs that a database may consider equal.
func similarIDs(w *world) {
	similar := []string{"alice", "Alice", "ALICE", "alicé", "alice\u0301", "alice ", " alice", "alice\t", "ａlice", "alic_", "alic%"}
	for _, id := range similar {
		c := &oauth.Client{ID: id, Name: id, CreatedAt: now}
		w.must(w.store.CreateClient(w.Context(), c, nil))
		f := family(c, id, oauth.UserRef{Provider: "users" + id, ID: id})
		b := codeIssuance(f)
		b.Ticket, b.Until, b.Consents = id, now.Add(day), []string{id}
		w.must(w.store.IssueCode(w.Context(), b))
		w.must(w.store.Issue(w.Context(), issuance(c, f, id, spendCode(f))))
		w.must(w.store.UseOnce(w.Context(), "a.b", id, now.Add(day)))
		w.must(w.store.UseOnce(w.Context(), oauth.Purpose("a."+id), "x", now.Add(day)))
	}
	// End the first owner's records in each way. The other owners keep their records.
	first := oauth.UserRef{Provider: "users" + similar[0], ID: similar[0]}
	w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: first}, now, nil))
	w.must(w.store.Withdraw(w.Context(), first, similar[0], now, nil))
	w.must(w.store.RevokeClient(w.Context(), similar[0], now, nil))
	w.must(w.store.RevokeToken(w.Context(), similar[0], now, nil))
	w.must(w.store.RevokeFamily(w.Context(), similar[0], now, nil))
	for i, id := range similar {
		c, err := w.store.Client(w.Context(), id)
		if err != nil || c.ID != id || c.Name != id || c.Active() != (i > 0) {
			w.Errorf("Client(%q) = %+v, %v, want its own record, active %v", id, c, err, i > 0)
		}
		token := w.token(id)
		if token.ID != id || token.Family.ID != id || token.Client.ID != id || token.Family.User.ID != id || token.Live(now) != (i > 0) {
			w.Errorf("AccessToken(%q) = %+v, want its own record, live %v", id, token, i > 0)
		}
		u := oauth.UserRef{Provider: "users" + id, ID: id}
		w.ordered(fmt.Sprintf("TokensOf(%q)", id), ids(w, w.store.TokensOf(w.Context(), u), tokenID), []string{id})
		scopes, _, err := w.store.Consented(w.Context(), u, &oauth.Client{ID: id})
		if want := []string{id}; err != nil || i > 0 && !slices.Equal(scopes, want) {
			w.Errorf("Consented(%q) = %q, %v, want %q", id, scopes, err, want)
		}
	}
	// IDs differ if one part of a user differs.
	mixed := oauth.UserRef{Provider: "users" + similar[1], ID: similar[2]}
	w.ordered("TokensOf() the provider of one user and the ID of another", ids(w, w.store.TokensOf(w.Context(), mixed), tokenID), nil)
}

func oddIDs(w *world) {
	odd := []string{"", "\x00", "a\x00b", "\xff\xfe", "a\xc3", "\xed\xa0\x80", strings.Repeat("a", 256), strings.Repeat("é", 1<<20)}
	w.must(w.store.CreateClient(w.Context(), &oauth.Client{ID: strings.Repeat("a", 255), CreatedAt: now}, nil))
	for _, id := range odd {
		name := fmt.Sprintf("%.8q (%d bytes)", id, len(id))
		_, err := w.store.Client(w.Context(), id)
		w.refused("Client("+name+")", err, oauth.ErrNotFound)
		_, err = w.store.AccessToken(w.Context(), id)
		w.refused("AccessToken("+name+")", err, oauth.ErrNotFound)
		_, err = w.store.Code(w.Context(), oauth.Digest(id))
		w.refused("Code("+name+")", err, oauth.ErrNotFound)
		_, err = w.store.RefreshToken(w.Context(), oauth.Digest(id))
		w.refused("RefreshToken("+name+")", err, oauth.ErrNotFound)
		w.refused("RevokeToken("+name+")", w.store.RevokeToken(w.Context(), id, now, nil), oauth.ErrNotFound)
		w.refused("RevokeFamily("+name+")", w.store.RevokeFamily(w.Context(), id, now, nil), oauth.ErrNotFound)
		w.refused("RevokeClient("+name+")", w.store.RevokeClient(w.Context(), id, now, nil), oauth.ErrNotFound)
		w.refused("UpdateClient("+name+")", w.store.UpdateClient(w.Context(), &oauth.Client{ID: id}, nil), oauth.ErrNotFound)
		for _, u := range []oauth.UserRef{{Provider: "users", ID: id}, {Provider: id, ID: "1"}} {
			w.ordered("TokensOf("+name+")", ids(w, w.store.TokensOf(w.Context(), u), tokenID), nil)
			w.ordered("ClientsOf("+name+")", ids(w, w.store.ClientsOf(w.Context(), u), clientID), nil)
			w.ordered("UnrevokedClientsOf("+name+")", ids(w, w.store.UnrevokedClientsOf(w.Context(), u), clientID), nil)
			w.listed("Connections("+name+")", u, false)
			w.listed("PersonalTokens("+name+")", u, true)
			if scopes, _, err := w.store.Consented(w.Context(), u, w.client); err != nil || len(scopes) > 0 {
				w.Errorf("Consented(%s) = %q, %v, want none", name, scopes, err)
			}
			if id != "" {
				w.refused("RevokeFamilies("+name+")", w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: u}, now, nil), oauth.ErrNotFound)
			}
		}
		w.must(w.store.UseOnce(w.Context(), "a.b", id, now.Add(day))) // one-time values have no limits
		w.refused("UseOnce("+name+") again", w.store.UseOnce(w.Context(), "a.b", id, now.Add(day)), oauth.ErrSpent)
	}
}
