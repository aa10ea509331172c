package storetest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-passport/passport/oauth"
)

// importProperties are the requirements for an [oauth.ImportStore].
var importProperties = []property{
	{"LP_2 imported records are ordinary records", importedRecords},
	{"LP_2 a second import revives nothing", importedTwice},
	{"LP_2 an import keeps what ended here", importKeepsEnds},
	{"LP_2 an imported client follows the other server", importedClient},
	{"LP_2 an import refuses the ID of another client", importClash},
	{"LP_2 new clients are numbered above imported ones", importRaisesNumbers},
	{"LP_2 a hashed secret is replaced", importedSecret},
	{"LP_2 an imported refresh token is redeemed once", importedRefreshOnce},
	{"LP_2 an imported code is redeemed once", importedCodeOnce},
	{"LP_2 a refresh token without an owner begins once", unownedOnce},
	{"LP_2 a refresh token without an owner that was imported before does not begin", unownedAfterOwned},
	{"LP_2 a revocation ends a refresh token without an owner, also after a purge", unownedEnds},
	{"LP_2 the consents of an import count", importedConsents},
	{"LP_2 what is left of an import is counted", importStatus},
	{"LP_2 the notes of an import are kept", importNotes},
	{"LP_2 an import ends refresh tokens that the other server has deleted", endUnseen},
	{"LP_2 an import spends refresh tokens that the other server has deleted", spendImported},
	{"LP_2 an import can list the tokens that are usable", usableTokenIDs},
	{"LP_3 a purge keeps what was revoked until the switch", purgeUntilSwitch},
	{"LP_3 an import ends when another one begins", importsApart},
	{"LP_3 of imports that begin together, one goes on", importsBeginOnce},
	{"LP_3 an import that is writing ends when another one begins", importOvertaken},
}

// imports returns the store's power, or skips the test.
func (w *world) imports() oauth.ImportStore {
	w.Helper()
	s, ok := oauth.StoreAs[oauth.ImportStore](w.store)
	if !ok {
		w.Skip("the store is not an oauth.ImportStore")
	}
	return s
}

// hexID returns an ID as another server makes them: 80 hexadecimal digits.
func hexID(n int) string { return fmt.Sprintf("%080x", n) }

// importedClientOf returns an imported client with a plain secret.
func importedClientOf(id string) *oauth.ImportedClient {
	return &oauth.ImportedClient{Client: &oauth.Client{
		ID: id, Name: "Shop", AuthMethod: oauth.AuthSecret, Secrets: []oauth.Secret{{Digest: oauth.DigestOf("secret"), CreatedAt: now}},
		RedirectURIs: []string{"https://shop.example/cb"}, GrantTypes: []string{"authorization_code", "refresh_token"}, CreatedAt: now,
	}, CiphertextsUntil: now.Add(day)}
}

// importedPair returns a batch with a family of alice: an access token, a refresh token
// and a code.
func importedPair(clientID string, n int) *oauth.ImportBatch {
	id := hexID(n)
	f := &oauth.Family{ID: oauth.ImportedFamilyID(id), User: user("alice"), ClientID: clientID, CreatedAt: now, ExpiresAt: now.Add(day)}
	return &oauth.ImportBatch{
		Families: []*oauth.Family{f},
		AccessTokens: []*oauth.AccessToken{{
			ID: id, Client: &oauth.Client{ID: clientID}, Family: f, Name: "name", Scopes: []string{"read"}, IssuedAt: now, ExpiresAt: now.Add(time.Hour),
		}},
		RefreshTokens: []*oauth.RefreshToken{{
			Digest: oauth.ImportedDigest(oauth.SpendRefreshToken, id), AccessTokenID: id, Family: f, Scopes: []string{"read"}, ExpiresAt: now.Add(12 * time.Hour),
		}},
		Codes: []*oauth.Code{{Digest: oauth.ImportedDigest(oauth.SpendCode, id), Family: f, Scopes: []string{"read"}, ExpiresAt: now.Add(time.Minute)}},
	}
}

// imported imports a client and a pair.
func (w *world) imported(s oauth.ImportStore, clientID string, n int) *oauth.ImportBatch {
	w.Helper()
	b := importedPair(clientID, n)
	b.Clients = []*oauth.ImportedClient{importedClientOf(clientID)}
	w.must(s.Import(w.Context(), b))
	return b
}

func importedRecords(w *world) {
	s := w.imports()
	b := &oauth.ImportBatch{Clients: []*oauth.ImportedClient{importedClientOf("shop")}}
	for n := range 450 { // more than two pages of an upsert
		pair := importedPair("shop", n)
		b.Families, b.AccessTokens = append(b.Families, pair.Families...), append(b.AccessTokens, pair.AccessTokens...)
		b.RefreshTokens, b.Codes = append(b.RefreshTokens, pair.RefreshTokens...), append(b.Codes, pair.Codes...)
	}
	slices.Reverse(b.AccessTokens)
	own := &oauth.AccessToken{ID: "own", Client: &oauth.Client{ID: "shop"}, Scopes: []string{"*"}, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
	b.AccessTokens = append(b.AccessTokens, own)
	w.must(s.Import(w.Context(), b))
	if got := len(w.tokensOf(user("alice"))); got != 450 {
		w.Errorf("TokensOf() after the import of 450 tokens = %d", got)
	}
	token := w.token(hexID(7))
	if f := token.Family; f == nil || f.ID != oauth.ImportedFamilyID(hexID(7)) || !oauth.Imported(f.ID) || f.User != user("alice") || !token.Live(now) || token.Client.Name != "Shop" {
		w.Errorf("AccessToken() of an imported token = %+v with family %+v", token, f)
	}
	if token := w.token("own"); token.Family != nil || !token.Live(now) {
		w.Errorf("AccessToken() of a client's own imported token = %+v", token)
	}
	bareIDs(w)
	w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: user("alice")}, now, nil))
	if w.token(hexID(7)).Live(now) {
		w.Error("an imported token is live after all tokens of its user were revoked")
	}
}

// bareIDs checks that an ID that was read in a database is neither a refresh token nor a
// code. Its digest finds the refresh token.
func bareIDs(w *world) {
	refresh, err := w.store.RefreshToken(w.Context(), oauth.ImportedDigest(oauth.SpendRefreshToken, hexID(7)))
	if err != nil || refresh.AccessTokenID != hexID(7) || !slices.Equal(refresh.Scopes, []string{"read"}) || !refresh.SpentAt.IsZero() {
		w.Errorf("RefreshToken() of an imported one = %+v, %v", refresh, err)
	}
	for _, id := range []string{hexID(7), oauth.ImportedFamilyID(hexID(7))} { // as read in a database
		_, err := w.store.RefreshToken(w.Context(), oauth.DigestOf(id))
		w.refused("RefreshToken() of a bare ID", err, oauth.ErrNotFound)
		_, err = w.store.Code(w.Context(), oauth.DigestOf(id))
		w.refused("Code() of a bare ID", err, oauth.ErrNotFound)
	}
}

func importedTwice(w *world) {
	s := w.imports()
	b := w.imported(s, "shop", 1)
	w.must(s.Import(w.Context(), b))
	if got := len(w.tokensOf(user("alice"))); got != 1 {
		w.Errorf("TokensOf() after the same import twice = %d tokens, want 1", got)
	}
	w.must(w.store.RevokeToken(w.Context(), hexID(1), now, nil))
	w.must(w.store.RevokeClient(w.Context(), "shop", now, nil))
	w.must(s.Import(w.Context(), b))
	if token := w.token(hexID(1)); token.Family.Live(now) || token.Client.Active() {
		w.Error("a second import revived a token and a client that were revoked here")
	}
}

func importKeepsEnds(w *world) {
	s := w.imports()
	b := w.imported(s, "shop", 1)
	later := now.Add(2 * day)
	b.AccessTokens[0].RevokedAt, b.RefreshTokens[0].SpentAt, b.Codes[0].SpentAt = now, now, now
	b.Families[0].ExpiresAt, b.Families[0].RevokedAt = later, now
	w.must(s.Import(w.Context(), b))
	token := w.token(hexID(1))
	if token.RevokedAt.IsZero() || token.Family.RevokedAt.IsZero() || !token.Family.ExpiresAt.Equal(later) {
		w.Errorf("after an import of what ended at the other server the token is %+v with family %+v, want both revoked, and the later expiry", token, token.Family)
	}
	refresh, err := w.store.RefreshToken(w.Context(), b.RefreshTokens[0].Digest)
	if err != nil || refresh.SpentAt.IsZero() {
		w.Errorf("RefreshToken() = %+v, %v, want it spent", refresh, err)
	}
	code, err := w.store.Code(w.Context(), b.Codes[0].Digest)
	if err != nil || code.SpentAt.IsZero() {
		w.Errorf("Code() = %+v, %v, want it spent", code, err)
	}
}

func importedClient(w *world) {
	s := w.imports()
	w.imported(s, "shop", 1)
	next := importedClientOf("shop")
	next.Client.Name, next.Client.RedirectURIs = "Store", []string{"https://store.example/cb"}
	next.Client.Secrets = []oauth.Secret{{Digest: oauth.DigestOf("another"), CreatedAt: now}}
	next.CiphertextsUntil = now
	w.must(s.Import(w.Context(), &oauth.ImportBatch{Clients: []*oauth.ImportedClient{next}}))
	c, err := w.store.Client(w.Context(), "shop")
	w.must(err)
	if c.Name != "Store" || c.ConsentVersion != 1 || c.Version != 1 || !c.Authenticates("another", now) || c.Authenticates("secret", now) {
		w.Errorf("Client() after a second import = %+v, want the new name and secret, and each version counted up", c)
	}
	known, err := s.ImportedClient(w.Context(), "shop")
	if err != nil || !known.CiphertextsUntil.Equal(now.Add(day)) || known.Client.Secrets[0].Digest != oauth.DigestOf("another") {
		w.Errorf("ImportedClient() = %+v, %v, want the latest time and the new secret", known, err)
	}
	w.must(s.Import(w.Context(), &oauth.ImportBatch{Clients: []*oauth.ImportedClient{next}}))
	if again, err := w.store.Client(w.Context(), "shop"); err != nil || again.Version != 1 {
		w.Errorf("Client() after an import without a change = %+v, %v, want the same version", again, err)
	}
	_, err = s.ImportedClient(w.Context(), w.client.ID)
	w.refused("ImportedClient() of a client that was not imported", err, oauth.ErrNotFound)
}

func importClash(w *world) {
	s := w.imports()
	err := s.Import(w.Context(), &oauth.ImportBatch{Clients: []*oauth.ImportedClient{importedClientOf(w.client.ID)}})
	w.refused("Import() of a client whose ID another one has", err, oauth.ErrConflict)
	_, err = s.ImportedClient(w.Context(), w.client.ID)
	w.refused("ImportedClient() after a refused import", err, oauth.ErrNotFound)
}

func importRaisesNumbers(w *world) {
	s := w.imports()
	w.must(s.Import(w.Context(), &oauth.ImportBatch{Clients: []*oauth.ImportedClient{importedClientOf("41"), importedClientOf("7"), importedClientOf("01a2")}}))
	c := &oauth.Client{Name: "New", AuthMethod: oauth.AuthNone, CreatedAt: now}
	w.must(w.store.CreateClient(w.Context(), c, nil))
	if c.ID != "42" {
		w.Errorf("the client after an import of client 41 has the ID %s, want 42", c.ID)
	}
}

func importedSecret(w *world) {
	s := w.imports()
	const hash = "$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
	c := importedClientOf("shop")
	c.Client.Secrets[0].Digest = hash
	batch := &oauth.ImportBatch{Clients: []*oauth.ImportedClient{c}}
	w.must(s.Import(w.Context(), batch))
	atOnce(8, func(int) {
		if err := s.ReplaceSecret(w.Context(), "shop", hash, oauth.DigestOf("secret")); err != nil {
			w.Errorf("ReplaceSecret() = %v", err)
		}
	})
	for range 2 {
		got, err := w.store.Client(w.Context(), "shop")
		w.must(err)
		if len(got.Secrets) != 1 || !got.Authenticates("secret", now) {
			w.Errorf("the secrets after a hash was replaced = %v, want the digest alone, also after another import", got.Secrets)
		}
		w.must(s.Import(w.Context(), batch))
	}
}

func importedRefreshOnce(w *world) {
	importedOnce(w, func(b *oauth.ImportBatch) oauth.Spend {
		return oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: string(b.RefreshTokens[0].Digest)}
	}, func(b *oauth.ImportBatch) {
		if old := w.token(b.AccessTokens[0].ID); old.RevokedAt.IsZero() || !old.Family.Live(now) {
			w.Errorf("after a refresh the imported access token is %+v, want it revoked, and its family live", old)
		}
	})
}

func importedCodeOnce(w *world) {
	importedOnce(w, func(b *oauth.ImportBatch) oauth.Spend {
		return oauth.Spend{Purpose: oauth.SpendCode, ID: string(b.Codes[0].Digest)}
	}, func(*oauth.ImportBatch) {})
}

// importedOnce checks that one of many concurrent redemptions of an imported value
// succeeds, and calls check afterwards.
func importedOnce(w *world, value func(*oauth.ImportBatch) oauth.Spend, check func(*oauth.ImportBatch)) {
	w.Helper()
	s := w.imports()
	w.imported(s, "shop", 0)
	c, err := w.store.Client(w.Context(), "shop")
	w.must(err)
	for round := range w.rounds {
		b := importedPair("shop", round+1)
		w.must(s.Import(w.Context(), b))
		spend := value(b)
		var won atomic.Int64
		atOnce(64, func(n int) {
			i := issuance(c, b.Families[0], fmt.Sprint("token-", round, "-", n), spend)
			if w.store.Issue(w.Context(), i) == nil {
				won.Add(1)
			}
		})
		if won.Load() != 1 {
			w.Fatalf("%d of 64 redemptions of an imported %s succeeded, want 1", won.Load(), spend.Purpose)
		}
		check(b)
	}
}

// unowned returns an imported refresh token without an owner.
func unowned(n int) *oauth.ImportedRefreshToken {
	return &oauth.ImportedRefreshToken{
		Digest: oauth.ImportedDigest(oauth.SpendRefreshToken, hexID(n)), AccessTokenID: hexID(n), CreatedAt: now, ExpiresAt: now.Add(12 * day),
	}
}

func unownedOnce(w *world) {
	s := w.imports()
	w.imported(s, "shop", 0)
	revoked, expired := unowned(3), unowned(4)
	revoked.RevokedAt, expired.ExpiresAt = now, now
	b := &oauth.ImportBatch{Unowned: []*oauth.ImportedRefreshToken{unowned(2), revoked, expired}}
	w.must(s.Import(w.Context(), b))
	begin := func(n int) error {
		f := &oauth.Family{ID: oauth.ImportedFamilyID(hexID(n)), User: user("alice"), ClientID: "shop", CreatedAt: now, ExpiresAt: now.Add(day)}
		return s.BeginImported(w.Context(), unowned(n).Digest, f, []string{"write"}, now)
	}
	atOnce(64, func(int) {
		if err := begin(2); err != nil {
			w.Errorf("BeginImported() = %v", err)
		}
	})
	for n := 3; n <= 5; n++ { // the last is unknown
		w.must(begin(n))
		_, err := w.store.RefreshToken(w.Context(), unowned(n).Digest)
		w.refused(fmt.Sprintf("RefreshToken() of token %d, which was revoked, has expired or is unknown", n), err, oauth.ErrNotFound)
	}
	got, err := w.store.RefreshToken(w.Context(), unowned(2).Digest)
	if err != nil || got.Family.ID != oauth.ImportedFamilyID(hexID(2)) || got.AccessTokenID != hexID(2) || !slices.Equal(got.Scopes, []string{"write"}) || !got.ExpiresAt.Equal(now.Add(12*day)) {
		w.Fatalf("RefreshToken() after its begin = %+v, %v", got, err)
	}
	kept, err := s.ImportedRefreshToken(w.Context(), unowned(2).Digest)
	if err != nil || !kept.BegunAt.Equal(now) {
		w.Errorf("ImportedRefreshToken() = %+v, %v, want it begun", kept, err)
	}
	w.must(w.store.RevokeFamily(w.Context(), got.Family.ID, now, nil))
	w.purgeAll(now.Add(30 * time.Hour))
	w.must(s.Import(w.Context(), b))
	w.must(begin(2))
	_, err = w.store.RefreshToken(w.Context(), unowned(2).Digest)
	w.refused("RefreshToken() after its family was revoked and purged, and it was imported again", err, oauth.ErrNotFound)
}

func unownedEnds(w *world) {
	s := w.imports()
	w.imported(s, "shop", 0)
	t := unowned(2)
	t.ExpiresAt = now.Add(60 * day)
	w.must(s.Import(w.Context(), &oauth.ImportBatch{Unowned: []*oauth.ImportedRefreshToken{t}}))
	w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: user("alice")}, now.Add(time.Hour), nil))
	w.purgeAll(now.Add(30 * day))
	f := &oauth.Family{ID: oauth.ImportedFamilyID(hexID(2)), User: user("alice"), ClientID: "shop", CreatedAt: t.CreatedAt, ExpiresAt: now.Add(90 * day)}
	w.must(s.BeginImported(w.Context(), t.Digest, f, nil, now.Add(30*day)))
	got, err := w.store.RefreshToken(w.Context(), t.Digest)
	if err != nil || got.Family.RevokedAt.IsZero() {
		w.Errorf("RefreshToken() after all tokens of its user were revoked, and a purge = %+v, %v, want its family revoked", got, err)
	}
	w.purgeAll(now.Add(61 * day))
	_, err = s.ImportedRefreshToken(w.Context(), t.Digest)
	w.refused("ImportedRefreshToken() after a purge of expired ones", err, oauth.ErrNotFound)
}

func unownedAfterOwned(w *world) {
	s := w.imports()
	w.imported(s, "shop", 1)
	w.must(s.Import(w.Context(), &oauth.ImportBatch{Unowned: []*oauth.ImportedRefreshToken{unowned(1)}}))
	got, err := s.ImportedRefreshToken(w.Context(), unowned(1).Digest)
	if err != nil || got.BegunAt.IsZero() {
		w.Errorf("ImportedRefreshToken() of one that has an owner = %+v, %v, want it begun: otherwise it would begin a second family after a purge", got, err)
	}
}

func importedConsents(w *world) {
	s := w.imports()
	w.imported(s, "shop", 1)
	b := &oauth.ImportBatch{Consents: []oauth.ImportedConsent{{User: user("alice"), ClientID: "shop", Scopes: []string{"read", "write"}, GrantedAt: now}}}
	for range 2 {
		w.must(s.Import(w.Context(), b))
		c, err := w.store.Client(w.Context(), "shop")
		w.must(err)
		granted, declined, err := w.store.Consented(w.Context(), user("alice"), c)
		if err != nil || !slices.Equal(granted, []string{"read", "write"}) || len(declined) > 0 {
			w.Errorf("Consented() = %v, %v, %v, want the imported scopes", granted, declined, err)
		}
		next := importedClientOf("shop")
		next.Client.Name = "Renamed at the other server"
		w.must(s.Import(w.Context(), &oauth.ImportBatch{Clients: []*oauth.ImportedClient{next}}))
	}
}

func importStatus(w *world) {
	s := w.imports()
	c := importedClientOf("shop")
	c.Client.Secrets[0].Digest = "$2y$10$hash"
	w.must(s.Import(w.Context(), &oauth.ImportBatch{Clients: []*oauth.ImportedClient{c, importedClientOf("plain")}, Unowned: []*oauth.ImportedRefreshToken{unowned(9)}}))
	for n := range 3 {
		w.must(s.Import(w.Context(), importedPair("shop", n)))
	}
	want := oauth.ImportStatus{Clients: 2, HashedSecrets: 1, AccessTokens: 3, RefreshTokens: 3, Unowned: 1, Codes: 3}
	if got, err := s.ImportStatus(w.Context(), now); err != nil || *got != want {
		w.Errorf("ImportStatus() = %+v, %v, want %+v", got, err, want)
	}
	b := importedPair("shop", 0)
	client, err := w.store.Client(w.Context(), "shop")
	w.must(err)
	i := issuance(client, b.Families[0], "new", oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: string(b.RefreshTokens[0].Digest)})
	i.AccessToken.Audience = []string{"https://api.example"}
	w.must(w.store.Issue(w.Context(), i))
	w.must(w.store.RevokeFamily(w.Context(), oauth.ImportedFamilyID(hexID(1)), now, nil))
	w.must(s.ReplaceSecret(w.Context(), "shop", "$2y$10$hash", oauth.DigestOf("secret")))
	want = oauth.ImportStatus{Clients: 2, AccessTokens: 1, RefreshTokens: 1, Unowned: 1, Codes: 3}
	if got, err := s.ImportStatus(w.Context(), now); err != nil || *got != want {
		w.Errorf("ImportStatus() after a refresh, a revocation and a login of the client = %+v, %v, want %+v", got, err, want)
	}
	if got, err := s.ImportStatus(w.Context(), now.Add(30*day)); err != nil || *got != (oauth.ImportStatus{Clients: 2}) {
		w.Errorf("ImportStatus() after everything has expired = %+v, %v, want 2 clients", got, err)
	}
}
