package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// tokenLists are the properties of lists of tokens.
var tokenLists = []property{
	{"FR-06 the list of connections", connectionList},
	{"FR-06 the list of personal tokens", personalList},
	{"FR-06 lists have a limit", listLimit},
	{"FR-05 lists have no redirect URIs, and each client once", listedClients},
}

// listed fails the test unless the list of a user's connections, or of their
// personal tokens, has these tokens.
func (w *world) listed(what string, u oauth.UserRef, personal bool, want ...string) []*oauth.AccessToken {
	w.Helper()
	tokens, err := w.store.Connections(w.Context(), u, now)
	if personal {
		tokens, err = w.store.PersonalTokens(w.Context(), u)
	}
	w.must(err)
	var got []string
	for _, t := range tokens {
		got = append(got, t.ID)
	}
	w.ordered(what, got, want)
	return tokens
}

// issueAt issues an access token of a client into a family.
func (w *world) issueAt(c *oauth.Client, f *oauth.Family, id string, at time.Time) {
	w.Helper()
	i := issuance(c, f, id, oauth.Spend{})
	i.AccessToken.IssuedAt = at
	w.must(w.store.Issue(w.Context(), i))
}

func connectionList(w *world) {
	alice := user("alice")
	began := func(id string, change func(*oauth.Family)) *oauth.Family {
		f := family(w.client, id, alice)
		f.CreatedAt = now.Add(-time.Hour)
		change(f)
		w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
		w.issueAt(w.client, f, id+" 1", now.Add(-time.Minute))
		return f
	}
	nothing := func(*oauth.Family) {}
	refreshed := began("refreshed", nothing)
	w.issueAt(w.client, refreshed, "a newer", now) // it has neither the last ID nor the last write
	w.issueAt(w.client, refreshed, "refreshed 2", now.Add(-time.Second))
	tied := began("tied", nothing)
	w.issueAt(w.client, tied, "tied 3", now)
	w.issueAt(w.client, tied, "tied 2", now)
	exchanged := began("exchanged", nothing)
	other := w.newClient("other")
	w.issueAt(other, exchanged, "another client's", now)
	began("expired", func(f *oauth.Family) { f.ExpiresAt = now })
	began("personal", func(f *oauth.Family) { f.Personal = true })
	began("of bob", func(f *oauth.Family) { f.User = user("bob") })
	w.must(w.store.RevokeFamily(w.Context(), began("revoked", nothing).ID, now, nil))
	w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: alice, Session: "digest"}, now, nil))
	began("stored after a cut-off", func(f *oauth.Family) { f.Session = "digest" })
	w.begin(alice) // its code is not redeemed
	gone := w.newClient("gone")
	f := family(gone, "of a revoked client", alice)
	w.must(w.store.Issue(w.Context(), starting(gone, f, "of a revoked client")))
	w.must(w.store.RevokeClient(w.Context(), gone.ID, now, nil))
	w.must(w.store.Issue(w.Context(), issuance(w.client, nil, "a client's own", oauth.Spend{})))

	for _, t := range w.listed("Connections()", alice, false, "a newer", "tied 3", "exchanged 1") {
		if t.Family == nil || t.Family.User != alice || t.Client == nil || t.Client.ID != w.client.ID || t.Client.Name != w.client.Name || !t.Family.Live(now) {
			w.Errorf("Connections() has %+v, want its client and live family", t)
		}
	}
	narrow := starting(w.client, family(w.client, "narrow", user("dora")), "narrow")
	narrow.AccessToken.Scopes, narrow.RefreshToken.Scopes = []string{"read"}, []string{"read", "write"}
	w.must(w.store.Issue(w.Context(), narrow))
	w.issueAt(w.client, family(w.client, "narrow", user("dora")), "older", now.Add(-time.Hour))
	if t := w.listed("Connections() of a narrow token", user("dora"), false, "narrow")[0]; !slices.Equal(t.Scopes, []string{"read"}) || !slices.Equal(t.GrantedScopes, []string{"read", "write"}) {
		w.Errorf("Connections() has the scopes %q and GrantedScopes %q, want read, and those of the refresh token", t.Scopes, t.GrantedScopes)
	}
	w.listed("Connections() of another user", user("bob"), false, "of bob 1")
	w.listed("Connections() without tokens", user("carol"), false)
}

func personalList(w *world) {
	alice := user("alice")
	for _, id := range []string{"live", "expired", "revoked"} {
		f := family(w.client, id, alice)
		f.Personal = true
		if id == "expired" {
			f.CreatedAt, f.ExpiresAt = now.Add(-2*day), now.Add(-day)
		}
		i := starting(w.client, f, id)
		i.RefreshToken, i.AccessToken.Name = nil, "name of "+id
		w.must(w.store.Issue(w.Context(), i))
	}
	w.must(w.store.RevokeFamily(w.Context(), "revoked", now, nil))
	w.start(family(w.client, "no personal token", alice))
	for _, t := range w.listed("PersonalTokens()", alice, true, "live", "expired") {
		if t.Name != "name of "+t.ID || !t.Family.Personal || !slices.Equal(t.Scopes, []string{"read"}) {
			w.Errorf("PersonalTokens() has %+v, want the stored record", t)
		}
	}
	w.listed("PersonalTokens() of another user", user("bob"), true)
}

// listLimit checks that a list above the limit has the families that expire last.
func listLimit(w *world) {
	const more = 3
	for n := range oauth.MaxListed + more {
		f := family(w.client, fmt.Sprint("family ", n), user("alice"))
		f.ExpiresAt = now.Add(day - time.Duration(n)*time.Second)
		i := starting(w.client, f, fmt.Sprint("token ", n))
		i.RefreshToken = nil
		w.must(w.store.Issue(w.Context(), i))
	}
	tokens, err := w.store.Connections(w.Context(), user("alice"), now)
	w.must(err)
	if len(tokens) != oauth.MaxListed {
		w.Fatalf("Connections() of %d families has %d tokens, want %d", oauth.MaxListed+more, len(tokens), oauth.MaxListed)
	}
	for _, t := range tokens {
		if t.GrantedScopes != nil {
			w.Fatalf("Connections() has the GrantedScopes %q of a token without a refresh token", t.GrantedScopes)
		}
		if !t.Family.ExpiresAt.After(now.Add(day - oauth.MaxListed*time.Second)) {
			w.Errorf("Connections() has %s, want the families that expire last", t.ID)
		}
	}
}

// listedClients checks the clients of each list of tokens.
func listedClients(w *world) {
	c := &oauth.Client{
		ID: "large", Name: "Large", AuthMethod: oauth.AuthBasic, RedirectURIs: []string{"https://a.example/cb"},
		GrantTypes: []string{"authorization_code"}, Scopes: []string{"read"}, Attributes: map[string]string{"a": "b"}, CreatedAt: now,
		Secrets: []oauth.Secret{{Digest: "digest", CreatedAt: now}},
	}
	w.must(w.store.CreateClient(w.Context(), c, nil))
	for n := range 3 {
		id := fmt.Sprint("token ", n)
		w.must(w.store.Issue(w.Context(), starting(c, family(c, id, user("alice")), id)))
		personal := starting(c, family(c, "personal "+id, user("alice")), "personal "+id)
		personal.NewFamily.Personal = true
		w.must(w.store.Issue(w.Context(), personal))
	}
	for what, tokens := range map[string][]*oauth.AccessToken{
		"Connections()":    w.listed("Connections()", user("alice"), false, "token 0", "token 1", "token 2"),
		"PersonalTokens()": w.listed("PersonalTokens()", user("alice"), true, "personal token 0", "personal token 1", "personal token 2"),
		"TokensOf()":       w.tokensOf(user("alice")),
	} {
		for _, t := range tokens {
			got := t.Client
			if len(got.RedirectURIs) > 0 || len(got.Attributes) > 0 || len(got.Secrets) > 0 {
				w.Errorf("%s has a client with redirect URIs, attributes or secrets: %+v", what, got)
			}
			if got.Name != c.Name || !slices.Equal(got.GrantTypes, c.GrantTypes) || !slices.Equal(got.Scopes, c.Scopes) || got.AuthMethod != c.AuthMethod {
				w.Errorf("%s has the client %+v, want its other fields as stored", what, got)
			}
			if got != tokens[0].Client {
				w.Errorf("%s has several copies of the same client, want one", what)
			}
		}
	}
}
