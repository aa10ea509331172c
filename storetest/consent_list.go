package storetest

import (
	"fmt"
	"time"

	"github.com/go-passport/passport/oauth"
)

// consentList checks a store that is an [oauth.ConsentListStore].
func consentList(w *world) {
	lister, ok := oauth.StoreAs[oauth.ConsentListStore](w.store)
	if !ok {
		w.Skip("the store is not an oauth.ConsentListStore")
	}
	u := user("1")
	listed := func(when string, want ...string) {
		w.Helper()
		var got []string
		for c, err := range lister.ConsentsOf(w.Context(), u) {
			w.must(err)
			got = append(got, c.Client.ID+" "+c.Scope)
			if c.Client.Name == "" || c.Client.RedirectURIs != nil || c.Client.Attributes != nil || c.Client.Secrets != nil || c.GrantedAt.IsZero() {
				w.Errorf("ConsentsOf() %s has %+v of %+v, want a name, a time, and nothing that a list does not show", when, c, c.Client)
			}
		}
		w.ordered("ConsentsOf() "+when, got, want)
	}
	listed("without a consent")
	other, gone, owned := fullClient("other"), w.newClient("gone"), fullClient("owned")
	owned.Owner = user("2")
	w.must(w.store.CreateClient(w.Context(), other, nil))
	w.must(w.store.CreateClient(w.Context(), owned, nil))
	to := func(c *oauth.Client, u oauth.UserRef, came time.Time, version int64, scopes ...string) {
		f := family(c, w.id("family"), u)
		f.CreatedAt = came
		b := codeIssuance(f)
		b.Consents, b.ConsentVersion = scopes, version
		w.must(w.store.IssueCode(w.Context(), b))
	}
	w.grant(u, now, "read")
	w.grant(u, now.Add(-time.Hour), "read", "write")
	to(other, u, now, 0, "read")
	to(gone, u, now, 0, "read")
	to(owned, u, now, 0, "read")
	to(w.client, user("2"), now, 0, "another user's")
	w.must(w.store.RevokeClient(w.Context(), gone.ID, now, nil))
	listed("of several clients", "client read", "client write", "other read", "owned read")
	for c, err := range lister.ConsentsOf(w.Context(), u) {
		w.must(err)
		if want := now.Add(-time.Hour); c.Client.ID == w.client.ID && !c.GrantedAt.Equal(want) {
			w.Errorf("ConsentsOf() has %s granted at %s, want the first time, %s", c.Scope, c.GrantedAt, want)
		}
		break // the loop may end early
	}

	w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: u}, now, nil))
	w.update(other.ID, func(c *oauth.Client) { c.Name += "!" })
	listed("after all tokens were revoked and a client was renamed", "client read", "client write", "owned read")
	to(other, u, now.Add(time.Second), 1, "read")
	listed("after a consent to the renamed client", "client read", "client write", "other read", "owned read")
	w.must(w.store.Withdraw(w.Context(), u, w.client.ID, now.Add(time.Minute), nil))
	listed("after a withdrawal", "other read", "owned read")
	w.grant(u, now, "late")
	listed("after an earlier consent was stored late", "other read", "owned read")

	var many []string
	for i := range 250 { // more than a page
		many = append(many, fmt.Sprintf("scope %03d", i))
	}
	to(owned, u, now.Add(time.Second), 0, many...)
	want := []string{"other read", "owned read"}
	for _, scope := range many {
		want = append(want, "owned "+scope)
	}
	listed("of many scopes", want...)
	u = oauth.UserRef{Provider: "users", ID: "a\x00b"}
	listed("of a user who cannot be stored")
}
