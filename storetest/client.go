package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

func fullClient(id string) *oauth.Client {
	return &oauth.Client{
		ID: id, Key: "key of " + id, Name: "Ein Name, 名前, 😀 & <b>", Owner: user("owner"), AuthMethod: oauth.AuthBasic,
		Secrets: []oauth.Secret{
			{Digest: oauth.DigestOf("a"), CreatedAt: now},
			{Digest: oauth.DigestOf("b"), CreatedAt: now.Add(time.Second), ExpiresAt: now.Add(time.Hour)},
		},
		Provider: "customers", RedirectURIs: []string{"https://a.example/cb?x=1", "http://127.0.0.1/cb"},
		GrantTypes: []string{"authorization_code", "refresh_token"}, Scopes: []string{"b", "a"}, EndsWithSession: true, Audience: "https://api.example/é?tenant=1",
		AccessTokenTTL: 90 * time.Second, RefreshTokenTTL: 30*day + time.Microsecond, FamilyTTL: 400 * day,
		AllowedOrigins: []string{"capacitor://localhost", "https://b.example:8443"},
		OpenID: &oauth.ClientOpenID{
			IDTokenAlg: "ES256", IDTokenTTL: 90*time.Second + time.Nanosecond, ClaimsInIDToken: true, DefaultMaxAge: new(int64), RequireAuthTime: true,
			PostLogoutRedirectURIs: []string{"https://a.example/é?x=1", "http://127.0.0.1/out"}, BackchannelLogoutURI: "https://a.example/logout", BackchannelSessionRequired: true,
		},
		Attributes: map[string]string{"first party": "yes", "": `"}{`}, CreatedAt: now, UpdatedAt: now.Add(time.Second), SuspendedAt: now.Add(time.Minute),
	}
}

func clientRoundTrip(w *world) {
	_, err := w.store.Client(w.Context(), "full")
	w.refused("Client() of a missing client", err, oauth.ErrNotFound)
	bare := &oauth.Client{ID: "bare", AuthMethod: oauth.AuthNone, CreatedAt: now}
	empty := &oauth.Client{
		ID: "empty", RedirectURIs: []string{}, GrantTypes: []string{}, Scopes: []string{}, AllowedOrigins: []string{}, Attributes: map[string]string{}, OpenID: &oauth.ClientOpenID{}, CreatedAt: now,
	}
	revoked := fullClient("revoked")
	revoked.RevokedAt, revoked.TokensNotBefore, revoked.Version, revoked.ConsentVersion = now, now.Add(time.Second), 7, 5
	for _, want := range []*oauth.Client{fullClient("full"), bare, empty, revoked} {
		w.must(w.store.CreateClient(w.Context(), want, nil))
		w.refused("CreateClient() again", w.store.CreateClient(w.Context(), want, nil), oauth.ErrConflict)
		if got, err := w.store.Client(w.Context(), want.ID); err != nil || !reflect.DeepEqual(got, want) {
			w.Errorf("Client() = %+v, %v, want %+v: nil and empty lists differ, times are in UTC", got, err, want)
		}
	}
	local := fullClient("local")
	local.CreatedAt = now.Add(999 * time.Nanosecond).In(time.FixedZone("", 3600))
	local.UpdatedAt, local.AccessTokenTTL = local.CreatedAt, time.Second+999*time.Nanosecond
	w.must(w.store.CreateClient(w.Context(), local, nil))
	if got, err := w.store.Client(w.Context(), "local"); err != nil || got.CreatedAt != now || got.UpdatedAt != now || got.AccessTokenTTL != time.Second {
		w.Errorf("Client() = %+v, %v, want CreatedAt and UpdatedAt %v, in UTC, and a second: all cut to microseconds", got, err, now)
	}
}

func staleUpdate(w *world) {
	c := fullClient("x")
	w.must(w.store.CreateClient(w.Context(), c, nil))
	stale, err := w.store.Client(w.Context(), "x")
	w.must(err)
	rotated := oauth.Secret{Digest: oauth.DigestOf("c"), CreatedAt: now.Add(2 * time.Second)}
	w.must(w.store.RotateSecret(w.Context(), "x", rotated, now, nil))
	w.must(w.store.RevokeClient(w.Context(), "x", now, nil))

	stale.Name, stale.AuthMethod, stale.CreatedAt, stale.SuspendedAt = "New name", oauth.AuthNone, now.Add(time.Hour), time.Time{}
	stale.Scopes, stale.RedirectURIs, stale.Attributes, stale.Owner = nil, []string{"https://new.example/"}, nil, oauth.UserRef{}
	stale.GrantTypes, stale.Provider, stale.EndsWithSession = nil, "", false
	stale.AccessTokenTTL, stale.RefreshTokenTTL, stale.FamilyTTL = time.Minute, 0, 7*day
	stale.Key, stale.UpdatedAt, stale.Audience = "another key", now.Add(time.Hour), "urn:example:api"
	w.must(w.store.UpdateClient(w.Context(), stale, nil)) // there was no other update
	got, err := w.store.Client(w.Context(), "x")
	w.must(err)
	want := *stale
	want.Key, want.AuthMethod, want.CreatedAt, want.RevokedAt, want.Version = c.Key, c.AuthMethod, now, now, c.Version+1
	want.ConsentVersion = c.ConsentVersion + 1
	want.Secrets = append(slices.Clone(c.Secrets), rotated)
	want.Secrets[0].ExpiresAt, want.Secrets[1].ExpiresAt = now, now
	if !reflect.DeepEqual(got, &want) {
		w.Errorf("Client() after UpdateClient() = %+v, want %+v: an update must not revive a secret or a client", got, want)
	}
	w.refused("UpdateClient() with an old version", w.store.UpdateClient(w.Context(), stale, nil), oauth.ErrConflict)
	missing := fullClient("missing")
	w.refused("UpdateClient() of a missing client", w.store.UpdateClient(w.Context(), missing, nil), oauth.ErrNotFound)

	// Exactly one of several concurrent updates of a version may succeed.
	for range 10 {
		read, err := w.store.Client(w.Context(), "x")
		w.must(err)
		errs := make([]error, 8)
		atOnce(len(errs), func(i int) {
			mine := *read
			mine.Name = fmt.Sprint("by ", i)
			errs[i] = w.store.UpdateClient(w.Context(), &mine, nil)
		})
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			w.refused("concurrent UpdateClient()", err, oauth.ErrConflict)
		}
		if won != 1 {
			w.Errorf("%d of %d updates of one version succeeded, want 1", won, len(errs))
		}
	}
}

func secrets(w *world) {
	c := fullClient("x") // with the secrets a, which does not expire, and b, which expires in an hour
	w.must(w.store.CreateClient(w.Context(), c, nil))
	third := oauth.Secret{Digest: oauth.DigestOf("c"), CreatedAt: now.Add(2 * time.Second)}
	w.must(w.store.RotateSecret(w.Context(), "x", third, now.Add(day), nil))
	a, b := c.Secrets[0], c.Secrets[1]
	a.ExpiresAt = now.Add(day)
	w.wantSecrets(c, a, b, third)
	w.refused("RotateSecret() to a secret of the client", w.store.RotateSecret(w.Context(), "x", third, now, nil), oauth.ErrConflict)
	w.wantSecrets(c, a, b, third)

	fourth := oauth.Secret{Digest: oauth.DigestOf("d"), CreatedAt: now.Add(3 * time.Second), ExpiresAt: now.Add(2 * day)}
	w.must(w.store.RotateSecret(w.Context(), "x", fourth, now.Add(time.Minute), nil))
	a.ExpiresAt, b.ExpiresAt, third.ExpiresAt = now.Add(time.Minute), now.Add(time.Minute), now.Add(time.Minute)
	w.wantSecrets(c, a, b, third, fourth)

	w.refused("RotateSecret() of a missing client", w.store.RotateSecret(w.Context(), "missing", third, now, nil), oauth.ErrNotFound)
	_, err := w.store.Client(w.Context(), "missing")
	w.refused("Client() after RotateSecret() of a missing client", err, oauth.ErrNotFound)

	bare := &oauth.Client{ID: "bare", AuthMethod: oauth.AuthBasic, CreatedAt: now}
	w.must(w.store.CreateClient(w.Context(), bare, nil))
	if got, err := w.store.Client(w.Context(), "bare"); err != nil || len(got.Secrets) > 0 || got.Public() {
		w.Errorf("Client() without a secret = %+v, %v, want it not to be public", got, err)
	}
	w.must(w.store.RotateSecret(w.Context(), "bare", fourth, now, nil))
	w.wantSecrets(bare, fourth)
}

// wantSecrets reads a client and compares its secrets. The client's version counts
// updates, not rotations.
func (w *world) wantSecrets(c *oauth.Client, want ...oauth.Secret) {
	w.Helper()
	got, err := w.store.Client(w.Context(), c.ID)
	if err != nil || !reflect.DeepEqual(got.Secrets, want) {
		w.Fatalf("Client() = %+v, %v, want the secrets %+v", got, err, want)
	}
	if got.Version != c.Version {
		w.Errorf("Version = %d after RotateSecret(), want %d: it counts updates", got.Version, c.Version)
	}
}
