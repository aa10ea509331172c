package storetest

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

func fullFamily(c *oauth.Client) *oauth.Family {
	return &oauth.Family{
		ID: "full", User: oauth.UserRef{Provider: "customers", ID: "42"}, ClientID: c.ID, Session: oauth.DigestOf("session"),
		AuthTime: now.Add(-time.Minute), Resources: []string{"https://api.example/", "urn:b"}, Personal: true, EndsWithSession: true,
		SID: "sid", ACR: "urn:example:level:2", AMR: []string{"pwd", "otp"},
		CreatedAt: now, ExpiresAt: now.Add(day),
	}
}

func tokenRoundTrip(w *world) {
	f := fullFamily(w.client)
	code := &oauth.Code{
		Digest: oauth.DigestOf("code"), Family: f, Scopes: []string{"b", "a"}, RedirectURI: "https://a.example/cb?x=%20&y", CodeChallenge: "challenge", Nonce: strings.Repeat("n", 512),
		Attributes: map[string]string{"tenant": "名前 \x00", "": "<&>"}, ExpiresAt: now.Add(time.Minute),
	}
	w.must(w.store.IssueCode(w.Context(), &oauth.CodeIssuance{Family: f, Code: code}))
	if got, err := w.store.Code(w.Context(), code.Digest); err != nil || !reflect.DeepEqual(got, code) {
		w.Errorf("Code() = %+v, %v, want %+v with family %+v", got, err, code, f)
	}
	access := &oauth.AccessToken{
		ID: "access", Client: w.client, Family: f, Name: "名前 😀", Hint: "CRMI", Scopes: []string{"b"}, Audience: []string{"https://a", "https://b"},
		Digest: oauth.DigestOf("opaque"), Attributes: map[string]string{"access": "1"}, IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	}
	refresh := &oauth.RefreshToken{
		Digest: oauth.DigestOf("refresh"), AccessTokenID: "access", Family: f, Scopes: []string{"b", "a"},
		Attributes: map[string]string{"refresh": "2", "x": "y"}, ExpiresAt: now.Add(12 * time.Hour),
	}
	w.must(w.store.Issue(w.Context(), &oauth.Issuance{Time: now, AccessToken: access, RefreshToken: refresh}))
	if got := w.token("access"); !reflect.DeepEqual(got, access) {
		w.Errorf("AccessToken() = %+v, want %+v with family %+v", got, access, f)
	}
	if got, err := w.store.RefreshToken(w.Context(), refresh.Digest); err != nil || !reflect.DeepEqual(got, refresh) {
		w.Errorf("RefreshToken() = %+v, %v, want %+v with family %+v", got, err, refresh, f)
	}
	bare := family(w.client, "bare", user("1"))
	bareToken := &oauth.AccessToken{ID: "bare", Client: w.client, Family: bare, Scopes: []string{}, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
	w.must(w.store.Issue(w.Context(), &oauth.Issuance{Time: now, NewFamily: bare, AccessToken: bareToken}))
	if got := w.token("bare"); !reflect.DeepEqual(got, bareToken) {
		w.Errorf("AccessToken() = %+v, want %+v: nil and empty lists differ", got, bareToken)
	}
	emptyAttributes(w)
	own := &oauth.AccessToken{ID: "own", Client: w.client, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
	w.must(w.store.Issue(w.Context(), &oauth.Issuance{Time: now, AccessToken: own}))
	if got := w.token("own"); !reflect.DeepEqual(got, own) || got.Subject() != oauth.ForClient() {
		w.Errorf("AccessToken() = %+v, want %+v, a client's own token", got, own)
	}
	for _, d := range []oauth.Digest{"", oauth.DigestOf("missing")} {
		_, err := w.store.Code(w.Context(), d)
		w.refused("Code() of a missing code", err, oauth.ErrNotFound)
		_, err = w.store.RefreshToken(w.Context(), d)
		w.refused("RefreshToken() of a missing token", err, oauth.ErrNotFound)
		_, err = w.store.AccessToken(w.Context(), string(d))
		w.refused("AccessToken() of a missing token", err, oauth.ErrNotFound)
	}
	secret := oauth.Secret{Digest: oauth.DigestOf("s"), CreatedAt: now}
	w.must(w.store.RotateSecret(w.Context(), w.client.ID, secret, now.Add(time.Hour), nil))
	if got := w.token("own"); len(got.Client.Secrets) > 0 {
		w.Errorf("AccessToken().Client.Secrets = %v, want none: a guard needs no secret", got.Client.Secrets)
	}
}

// emptyAttributes stores a record of each kind with empty attributes and with nil
// attributes: the two differ.
func emptyAttributes(w *world) {
	for name, attributes := range map[string]map[string]string{"no attributes": nil, "empty attributes": {}} {
		f := family(w.client, name, user("1"))
		b := codeIssuance(f)
		b.Code.Attributes = attributes
		w.must(w.store.IssueCode(w.Context(), b))
		i := issuance(w.client, f, name, spendCode(f))
		i.AccessToken.Attributes, i.RefreshToken.Attributes = attributes, attributes
		w.must(w.store.Issue(w.Context(), i))
		code, err := w.store.Code(w.Context(), b.Code.Digest)
		w.must(err)
		refresh, err := w.store.RefreshToken(w.Context(), i.RefreshToken.Digest)
		w.must(err)
		for what, got := range map[string]map[string]string{
			"code": code.Attributes, "access token": w.token(name).Attributes, "refresh token": refresh.Attributes,
		} {
			if !reflect.DeepEqual(got, attributes) {
				w.Errorf("the %s's Attributes = %#v, want %#v: nil and empty differ", what, got, attributes)
			}
		}
	}
}

// successors follows a family through two refreshes. The store must keep a replay by an
// attacker distinguishable from a client's retry.
func successors(w *world) {
	f := w.begin(user("1"))
	first := w.issue(f, spendCode(f))
	second := issuance(w.client, f, w.id("token"), spendRefresh(first))
	second.RefreshToken.Attributes = map[string]string{"tenant": "second"}
	w.must(w.store.Issue(w.Context(), second))
	longer := *f // a refresh must not extend the family, even if the input says so
	longer.ExpiresAt = f.ExpiresAt.Add(365 * day)
	third := w.issue(&longer, spendRefresh(second))
	w.replaced("the first", f, first, second, true)
	w.replaced("the second", f, second, third, false)
	last, err := w.store.RefreshToken(w.Context(), third.RefreshToken.Digest)
	if err != nil || !last.SpentAt.IsZero() || last.Successor != nil || last.AccessTokenID != third.AccessToken.ID {
		w.Errorf("RefreshToken() of the last token = %+v, %v, want it unspent and without a successor", last, err)
	}
	if got := w.token(third.AccessToken.ID).Family.ExpiresAt; !got.Equal(f.ExpiresAt) {
		w.Errorf("the family's ExpiresAt after two refreshes = %v, want it unchanged, %v", got, f.ExpiresAt)
	}
	// A replay ends the family; the spent token stays on record.
	w.must(w.store.RevokeFamily(w.Context(), f.ID, now, nil))
	for _, i := range []*oauth.Issuance{first, second, third} {
		w.lives("of a family that was revoked for a replay", i.AccessToken.ID, false)
		r, err := w.store.RefreshToken(w.Context(), i.RefreshToken.Digest)
		w.must(err)
		if r.Family.Live(now) || r.Successor != nil && r.Successor.Family.Live(now) {
			w.Errorf("RefreshToken() = %+v, want its family and its successor's dead", r)
		}
	}
}

// replaced fails the test unless old was spent and has the right successor. spent says
// whether the successor is spent itself.
func (w *world) replaced(what string, f *oauth.Family, old, by *oauth.Issuance, spent bool) {
	w.Helper()
	r, err := w.store.RefreshToken(w.Context(), old.RefreshToken.Digest)
	w.must(err)
	if r.SpentAt.IsZero() || r.AccessTokenID != old.AccessToken.ID {
		w.Errorf("RefreshToken() of %s = %+v, want it spent and issued with %s", what, r, old.AccessToken.ID)
	}
	s := r.Successor
	if s == nil || s.Digest != by.RefreshToken.Digest || s.AccessTokenID != by.AccessToken.ID ||
		s.Family == nil || s.Family.ID != f.ID || s.Successor != nil || s.SpentAt.IsZero() == spent {
		w.Errorf("Successor of %s = %+v, want the token issued with %s, spent %v, in the same family, without a successor",
			what, s, by.AccessToken.ID, spent)
		return
	}
	if !maps.Equal(s.Attributes, by.RefreshToken.Attributes) {
		w.Errorf("Successor of %s has the Attributes %v, want %v", what, s.Attributes, by.RefreshToken.Attributes)
	}
}

// spoil changes the value of k in each map.
func spoil(attributes ...map[string]string) {
	for _, a := range attributes {
		a["k"] = "changed"
	}
}

// storedByValue changes all records that it has passed in or received.
func storedByValue(w *world) {
	c := fullClient("x")
	w.must(w.store.CreateClient(w.Context(), c, nil))
	f := fullFamily(c)
	i := starting(c, f, "token")
	i.AccessToken.Audience = []string{"a"}
	i.AccessToken.Attributes, i.RefreshToken.Attributes = map[string]string{"k": "access"}, map[string]string{"k": "refresh"}
	b := codeIssuance(family(c, "begun", user("1")))
	b.Code.Attributes = map[string]string{"k": "code"}
	w.must(w.store.IssueCode(w.Context(), b))
	w.must(w.store.Issue(w.Context(), i))

	spoilRecords := func(c *oauth.Client, f *oauth.Family, scopes ...[]string) {
		if c != nil {
			c.RedirectURIs[0], c.GrantTypes[0], c.Scopes[0], c.Attributes["new"], c.RevokedAt = "changed", "changed", "changed", "changed", now
			for i := range c.Secrets {
				c.Secrets[i].Digest = "changed"
			}
			if c.OpenID != nil {
				c.OpenID.IDTokenAlg, c.OpenID.PostLogoutRedirectURIs[0], *c.OpenID.DefaultMaxAge = "changed", "changed", 1
			}
		}
		f.RevokedAt, f.ExpiresAt = now, now
		for _, list := range append(scopes, f.Resources, f.AMR) {
			for i := range list {
				list[i] = "changed"
			}
		}
	}
	spoil(i.AccessToken.Attributes, i.RefreshToken.Attributes, b.Code.Attributes)
	spoilRecords(c, f, i.AccessToken.Scopes, i.AccessToken.Audience, i.RefreshToken.Scopes)
	spoilRecords(nil, b.Family, b.Code.Scopes)
	for range 2 {
		token := w.token("token")
		r, err := w.store.RefreshToken(w.Context(), oauth.DigestOf("token"))
		w.must(err)
		code, err := w.store.Code(w.Context(), oauth.DigestOf("begun"))
		w.must(err)
		client, err := w.store.Client(w.Context(), "x")
		w.must(err)
		want := fullClient("x")
		if !reflect.DeepEqual(client, want) {
			w.Fatalf("Client() = %+v, want %+v: a caller changed the stored record", client, want)
		}
		want.Secrets, want.OpenID = nil, nil
		got := []string{token.Scopes[0], token.Audience[0], r.Scopes[0], code.Scopes[0], token.Attributes["k"], r.Attributes["k"], code.Attributes["k"]}
		if !reflect.DeepEqual(token.Client, want) || !reflect.DeepEqual(token.Family, fullFamily(want)) || !reflect.DeepEqual(r.Family, token.Family) ||
			!slices.Equal(got, []string{"read", "a", "read", "read", "access", "refresh", "code"}) || !code.Family.RevokedAt.IsZero() {
			w.Fatalf("a caller changed the stored records: %+v, %+v, %+v", token, r, code)
		}
		spoil(token.Attributes, r.Attributes, code.Attributes)
		spoilRecords(token.Client, token.Family, token.Scopes, token.Audience)
		spoilRecords(client, r.Family, r.Scopes)
		spoilRecords(nil, code.Family, code.Scopes)
	}
}
