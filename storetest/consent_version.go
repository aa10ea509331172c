package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// shownFields has each field that an update may change, with a new value, and whether
// consent pages show it.
var shownFields = map[string]struct {
	shown  bool
	change func(*oauth.Client)
}{
	"Name":            {true, func(c *oauth.Client) { c.Name += "!" }},
	"Owner":           {true, func(c *oauth.Client) { c.Owner.ID += "!" }},
	"RedirectURIs":    {true, func(c *oauth.Client) { c.RedirectURIs = append(c.RedirectURIs, "https://more.example/cb") }},
	"Attributes":      {true, func(c *oauth.Client) { c.Attributes = map[string]string{"note": c.Name} }},
	"Provider":        {false, func(c *oauth.Client) { c.Provider += "!" }},
	"GrantTypes":      {false, func(c *oauth.Client) { c.GrantTypes = append(c.GrantTypes, "client_credentials") }},
	"Scopes":          {false, func(c *oauth.Client) { c.Scopes = append(c.Scopes, "more") }},
	"AccessTokenTTL":  {false, func(c *oauth.Client) { c.AccessTokenTTL += time.Second }},
	"RefreshTokenTTL": {false, func(c *oauth.Client) { c.RefreshTokenTTL += time.Second }},
	"FamilyTTL":       {false, func(c *oauth.Client) { c.FamilyTTL += time.Second }},
	"EndsWithSession": {false, func(c *oauth.Client) { c.EndsWithSession = !c.EndsWithSession }},
	"Audience":        {false, func(c *oauth.Client) { c.Audience += "&more=1" }}, // an API has no consent page
	"AllowedOrigins":  {false, func(c *oauth.Client) { c.AllowedOrigins = append(c.AllowedOrigins, "tauri://localhost") }},
	"OpenID":          {false, func(c *oauth.Client) { c.OpenID = &oauth.ClientOpenID{ClaimsInIDToken: true} }},
	"UpdatedAt":       {false, func(c *oauth.Client) { c.UpdatedAt = c.UpdatedAt.Add(time.Second) }},
	"SuspendedAt":     {false, func(c *oauth.Client) { c.SuspendedAt = now }},
}

// fixedFields are the fields that no update changes.
var fixedFields = []string{"ID", "Key", "AuthMethod", "Secrets", "CreatedAt", "RevokedAt", "TokensNotBefore", "Version", "ConsentVersion"}

// update changes the stored client. The store must ignore the ConsentVersion of the
// caller.
func (w *world) update(id string, change func(*oauth.Client)) *oauth.Client {
	w.Helper()
	c, err := w.store.Client(w.Context(), id)
	w.must(err)
	change(c)
	c.ConsentVersion = 99
	w.must(w.store.UpdateClient(w.Context(), c, nil))
	stored, err := w.store.Client(w.Context(), id)
	w.must(err)
	return stored
}

func consentVersion(w *world) {
	for field := range reflect.TypeFor[oauth.Client]().Fields() {
		if _, ok := shownFields[field.Name]; !ok && !slices.Contains(fixedFields, field.Name) {
			w.Errorf("Client.%s is new: add it to shownFields or fixedFields", field.Name)
		}
	}
	c := fullClient("counted")
	w.must(w.store.CreateClient(w.Context(), c, nil))
	want := int64(0)
	count := func(what string, shown bool, change func(*oauth.Client)) {
		w.Helper()
		if shown {
			want++
		}
		if got := w.update(c.ID, change); got.ConsentVersion != want {
			w.Fatalf("ConsentVersion after a change of %s = %d, want %d", what, got.ConsentVersion, want)
		}
	}
	for name, field := range shownFields {
		count(name, field.shown, field.change)
	}
	count("nothing", false, func(*oauth.Client) {})
	count("all at once", true, func(c *oauth.Client) {
		c.Name, c.Owner, c.RedirectURIs, c.Attributes = "Client", oauth.UserRef{}, []string{"https://a.example/cb"}, nil
	})
	count("no attributes into empty ones", false, func(c *oauth.Client) { c.Attributes = map[string]string{} })
	for _, name := range []string{"client", "Client", "Client ", "Cl\u00efent", "Client"} {
		count(fmt.Sprintf("the name into %q", name), true, func(c *oauth.Client) { c.Name = name })
	}
	count("a redirect URI", true, func(c *oauth.Client) { c.RedirectURIs = []string{"https://a.example/CB"} })
	count("a redirect URI back", true, func(c *oauth.Client) { c.RedirectURIs = []string{"https://a.example/cb"} })

	stale := fullClient(c.ID)
	w.refused("UpdateClient() with an old version", w.store.UpdateClient(w.Context(), stale, nil), oauth.ErrConflict)
	w.must(w.store.RotateSecret(w.Context(), c.ID, oauth.Secret{Digest: oauth.DigestOf("new"), CreatedAt: now}, now, nil))
	w.must(w.store.Issue(w.Context(), issuance(c, nil, "own", oauth.Spend{})))
	w.must(w.store.RevokeClient(w.Context(), c.ID, now, nil))
	if got, err := w.store.Client(w.Context(), c.ID); err != nil || got.ConsentVersion != want {
		w.Errorf("Client() after a stale update, a rotated secret and its end = %+v, %v, want ConsentVersion %d as before", got, err, want)
	}
	if got := w.token("own").Client.ConsentVersion; got != want {
		w.Errorf("ConsentVersion of a token's client = %d, want %d", got, want)
	}
}

// consentOfVersion stores consents. Each is valid only for the ConsentVersion for which
// it was given.
func consentOfVersion(w *world) {
	u := user("1")
	grant := func(version int64, scope string) {
		w.Helper()
		f := family(w.client, w.id("family"), u)
		f.CreatedAt = now.Add(time.Duration(w.last) * time.Second)
		b := codeIssuance(f)
		b.Consents, b.ConsentVersion = []string{scope}, version
		w.must(w.store.IssueCode(w.Context(), b))
	}
	issue := func(version int64, scope string) {
		w.Helper()
		f := family(w.client, w.id("family"), u)
		f.CreatedAt = now.Add(time.Duration(w.last) * time.Second)
		i := starting(w.client, f, w.id("token"))
		i.Consents, i.ConsentVersion = []string{scope}, version
		w.must(w.store.Issue(w.Context(), i))
	}
	check := func(when string, c *oauth.Client, want ...string) {
		w.Helper()
		if got, _, err := w.store.Consented(w.Context(), u, c); err != nil || !slices.Equal(got, want) {
			w.Errorf("Consented() %s, ConsentVersion %d = %q, %v, want %q", when, c.ConsentVersion, got, err, want)
		}
	}
	rename := func(name string) *oauth.Client {
		return w.update(w.client.ID, func(c *oauth.Client) { c.Name = name })
	}
	first := w.client
	grant(0, "read")
	check("of a new client", first, "read")
	second := rename("Renamed")
	check("after a change", second)
	check("for a client that was read before", first, "read")
	grant(0, "late")
	issue(0, "late too")
	check("after consents to the old client were stored late", second)
	grant(1, "write")
	issue(1, "more")
	check("given after the change", second, "more", "write")
	third := rename("Client")
	check("after the change was taken back", third)
	grant(2, "read")
	check("given after that", third, "read")
	owned := *third
	owned.Owner = user("owner")
	check("with a number, for a client with an owner", &owned, "read")
	w.must(w.store.Withdraw(w.Context(), u, w.client.ID, now.Add(day), nil))
	for _, c := range []*oauth.Client{first, second, third} {
		check("after Withdraw()", c)
	}
}

// consentRace lets updates race consents. Each consent is named after the data on its
// page, so a client must never have a consent for other data.
func consentRace(w *world) {
	u := user("1")
	for round := range max(1, w.rounds/20) {
		atOnce(rivals, func(i int) {
			c, err := w.store.Client(w.Context(), w.client.ID)
			if err != nil {
				w.Error(err)
				return
			}
			if i%4 == 0 {
				c.RedirectURIs = []string{fmt.Sprintf("https://%d.example/%d", i, round)}
				if err := w.store.UpdateClient(w.Context(), c, nil); err != nil && !errors.Is(err, oauth.ErrConflict) {
					w.Errorf("UpdateClient() = %v, want nil or ErrConflict", err)
				}
				return
			}
			f := family(c, fmt.Sprintf("race %d %d", round, i), u)
			f.CreatedAt = now.Add(time.Duration(round*rivals+i) * time.Second)
			b := codeIssuance(f)
			b.Consents, b.ConsentVersion = []string{fmt.Sprint(c.RedirectURIs)}, c.ConsentVersion
			if err := w.store.IssueCode(w.Context(), b); err != nil {
				w.Errorf("IssueCode() = %v", err)
			}
			w.vouched(u)
		})
		w.vouched(u)
	}
}

// vouched fails the test if a consent is valid for a client that its page did not show.
func (w *world) vouched(u oauth.UserRef) {
	c, err := w.store.Client(w.Context(), w.client.ID)
	if err != nil {
		w.Error(err)
		return
	}
	scopes, _, err := w.store.Consented(w.Context(), u, c)
	if err != nil {
		w.Error(err)
	}
	for _, scope := range scopes {
		if want := fmt.Sprint(c.RedirectURIs); scope != want {
			w.Errorf("a consent for redirect URIs %s is valid for %s, ConsentVersion %d", scope, want, c.ConsentVersion)
		}
	}
}
