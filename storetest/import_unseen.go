package storetest

import (
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// endUnseen imports three refresh tokens without an owner, one of which begins, and then
// one of them again.
func endUnseen(w *world) {
	s := w.imports()
	w.imported(s, "shop", 0)
	w.must(s.Import(w.Context(), &oauth.ImportBatch{Unowned: []*oauth.ImportedRefreshToken{unowned(1), unowned(2), unowned(3)}}))
	f := &oauth.Family{ID: oauth.ImportedFamilyID(hexID(1)), User: user("alice"), ClientID: "shop", CreatedAt: now, ExpiresAt: now.Add(day)}
	w.must(s.BeginImported(w.Context(), unowned(1).Digest, f, []string{"write"}, now))
	later, again := now.Add(time.Minute), unowned(2)
	again.CreatedAt = later
	w.must(s.Import(w.Context(), &oauth.ImportBatch{Unowned: []*oauth.ImportedRefreshToken{again}}))
	for _, want := range []int{1, 0} {
		if n, err := s.EndUnseen(w.Context(), later); n != want || err != nil {
			w.Errorf("EndUnseen() = %d, %v, want %d", n, err, want)
		}
	}
	for n, want := range map[int]bool{1: false, 2: false, 3: true} {
		got, err := s.ImportedRefreshToken(w.Context(), unowned(n).Digest)
		w.must(err)
		if ended := !got.RevokedAt.IsZero(); ended != want {
			w.Errorf("refresh token %d ended = %v, want %v: only the one that has not begun and was not imported again ends", n, ended, want)
		}
	}
}

// spendImported spends the refresh token of one of two families.
func spendImported(w *world) {
	s := w.imports()
	w.imported(s, "shop", 0)
	first, second := importedPair("shop", 1), importedPair("shop", 2)
	w.must(s.Import(w.Context(), first))
	w.must(s.Import(w.Context(), second))
	for range 2 {
		w.must(s.SpendImported(w.Context(), []string{first.Families[0].ID, "unknown"}, now))
	}
	for _, want := range []struct {
		b     *oauth.ImportBatch
		spent bool
	}{{first, true}, {second, false}} {
		got, err := w.store.RefreshToken(w.Context(), want.b.RefreshTokens[0].Digest)
		w.must(err)
		if spent := !got.SpentAt.IsZero(); spent != want.spent || !got.Family.RevokedAt.IsZero() {
			w.Errorf("RefreshToken() = %+v, want it spent = %v in a live family", got, want.spent)
		}
	}
}

// usableTokenIDs lists access tokens of which some, and some of their refresh tokens, have
// ended.
func usableTokenIDs(w *world) {
	s := w.imports()
	w.imported(s, "shop", 0)
	var want []string
	for n, of := range []struct{ ended, spent, family, usable bool }{
		{usable: true}, {ended: true, usable: true}, {spent: true, usable: true}, {ended: true, spent: true}, {family: true},
	} {
		b := importedPair("shop", n)
		if of.ended {
			b.AccessTokens[0].RevokedAt = now
		}
		if of.spent {
			b.RefreshTokens[0].SpentAt = now
		}
		w.must(s.Import(w.Context(), b))
		if of.family {
			w.must(w.store.RevokeFamily(w.Context(), b.Families[0].ID, now, nil))
		}
		if of.usable {
			want = append(want, b.AccessTokens[0].ID)
		}
	}
	slices.Sort(want)
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		ids, err := s.UsableTokenIDs(w.Context(), after)
		w.must(err)
		if len(ids) == 0 {
			break
		}
		got = append(got, ids[0]) // each call goes on after the ID
	}
	if !slices.Equal(got, want) {
		w.Errorf("UsableTokenIDs() = %q one after the other, want %q", got, want)
	}
}
