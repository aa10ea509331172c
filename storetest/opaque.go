package storetest

import (
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// opaque returns the issuance of an opaque token that begins a family, like a personal
// access token. The token's secret is its ID.
func opaque(c *oauth.Client, f *oauth.Family, id string) *oauth.Issuance {
	i := starting(c, f, id)
	i.AccessToken.Digest, i.RefreshToken = oauth.DigestOf(id), nil
	return i
}

// opaqueToken reads a token that must exist.
func (w *world) opaqueToken(secret string) *oauth.AccessToken {
	w.Helper()
	token, err := w.store.OpaqueToken(w.Context(), oauth.DigestOf(secret))
	if err != nil {
		w.Fatalf("OpaqueToken() of %q = %v", secret, err)
	}
	return token
}

func opaqueTokens(w *world) {
	ctx := w.Context()
	f := fullFamily(w.client)
	personal := opaque(w.client, f, "personal")
	personal.AccessToken.Name, personal.AccessToken.Attributes = "my script", map[string]string{"a": "b"}
	own := issuance(w.client, nil, "own", oauth.Spend{})
	own.AccessToken.Digest = oauth.DigestOf("own")
	jwt := starting(w.client, family(w.client, "jwt", user("1")), "jwt")
	w.must(w.store.RotateSecret(ctx, w.client.ID, oauth.Secret{Digest: "s", CreatedAt: now}, now.Add(time.Hour), nil))
	for _, i := range []*oauth.Issuance{personal, own, jwt} {
		w.must(w.store.Issue(ctx, i))
	}
	for _, want := range []*oauth.AccessToken{personal.AccessToken, own.AccessToken} {
		got := w.opaqueToken(want.ID)
		if !reflect.DeepEqual(got, want) {
			w.Errorf("OpaqueToken() = %+v, want %+v with client %+v without its secrets, and family %+v", got, want, want.Client, want.Family)
		}
		if byID := w.token(want.ID); !reflect.DeepEqual(byID, want) {
			w.Errorf("AccessToken() = %+v, want %+v", byID, want)
		}
	}
	d := string(personal.AccessToken.Digest)
	for _, missing := range []string{"", "personal", "jwt", strings.ToLower(d), d + " ", "a\x00b", "\xff", strings.Repeat("a", 300)} {
		_, err := w.store.OpaqueToken(ctx, oauth.Digest(missing)) // a JWT has no digest, and no digest may find it
		w.refused("OpaqueToken() of "+missing, err, oauth.ErrNotFound)
	}
	_, err := w.store.AccessToken(ctx, d)
	w.refused("AccessToken() by the digest", err, oauth.ErrNotFound)

	// If two tokens had the same digest, a look-up would be ambiguous.
	second := opaque(w.client, family(w.client, "second", user("2")), "second")
	second.AccessToken.Digest, second.Consents = personal.AccessToken.Digest, []string{"read"}
	if err := w.store.Issue(ctx, second); err == nil || errors.Is(err, oauth.ErrSpent) {
		w.Errorf("Issue() with the digest of another token = %v, want another error", err)
	}
	_, err = w.store.AccessToken(ctx, "second")
	w.refused("AccessToken() of a failed Issue", err, oauth.ErrNotFound)
	w.refused("RevokeFamily() of a failed Issue", w.store.RevokeFamily(ctx, "second", now, nil), oauth.ErrNotFound)
	w.consented("of a failed Issue", user("2"), w.client.ID)
}

// opaqueTokensEnd ends a token in each way.
func opaqueTokensEnd(w *world) {
	ctx, at := w.Context(), now.Add(time.Minute)
	second := w.newClient("second")
	issue := func(name string, c *oauth.Client, came time.Time) {
		f := family(c, name, user(name))
		f.CreatedAt = came
		w.must(w.store.Issue(ctx, opaque(c, f, name)))
	}
	for _, name := range []string{"family", "token", "user", "client"} {
		c := w.client
		if name == "client" {
			c = second
		}
		issue(name, c, now)
		if !w.opaqueToken(name).Live(now) {
			w.Errorf("OpaqueToken() of %q = dead, want it live before the revocation", name)
		}
	}
	own := issuance(w.client, nil, "own", oauth.Spend{})
	own.AccessToken.Digest = oauth.DigestOf("own")
	w.must(w.store.Issue(ctx, own))

	w.must(w.store.RevokeFamily(ctx, "family", at, nil))
	w.must(w.store.RevokeToken(ctx, "token", at, nil))
	w.must(w.store.RevokeToken(ctx, "own", at, nil))
	w.must(w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: user("user")}, at, nil))
	w.must(w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: user("late")}, at, nil))
	w.must(w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: user("after")}, at, nil))
	w.must(w.store.RevokeClient(ctx, "second", at, nil))
	issue("late", w.client, at) // a cut-off ends tokens that are stored later
	issue("after", w.client, at.Add(time.Microsecond))

	for name, live := range map[string]bool{"family": false, "token": false, "own": false, "user": false, "late": false, "client": false, "after": true} {
		token := w.opaqueToken(name)
		if token.Live(now) != live {
			w.Errorf("OpaqueToken() of %q = %+v, want live = %v", name, token, live)
		}
		if f := token.Family; f != nil && !live && name != "client" && !f.RevokedAt.Equal(at) {
			w.Errorf("the family of %q has RevokedAt %v, want %v", name, f.RevokedAt, at)
		}
	}
	if token := w.opaqueToken("own"); !token.RevokedAt.Equal(at) {
		w.Errorf("RevokedAt of a client's own token = %v, want %v", token.RevokedAt, at)
	}
	orphan := opaque(w.client, family(w.client, "never stored", user("1")), "orphan")
	orphan.NewFamily = nil
	if err := w.store.Issue(ctx, orphan); err != nil {
		return // refusing it is equally safe
	}
	if token, err := w.store.OpaqueToken(ctx, oauth.DigestOf("orphan")); err == nil && (token.Live(now) || token.Subject() == oauth.ForClient()) {
		w.Errorf("OpaqueToken() with a missing family = %+v, want it dead and not a client's own token", token)
	}
}
