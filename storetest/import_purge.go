package storetest

import (
	"fmt"
	"slices"

	"github.com/go-passport/passport/oauth"
)

// importEnd is a way in which records of an import end at this server.
type importEnd struct {
	name string
	end  func(b *oauth.ImportBatch) error
	ends []int // indexes of the access tokens of the batch that end
	late bool  // also tokens that the other server issued before, and that are imported afterwards
}

// importEnds are the ways in which records of an import end here.
func importEnds(w *world) []importEnd {
	ctx, s := w.Context(), w.store
	return []importEnd{
		{"RevokeToken", func(b *oauth.ImportBatch) error { return s.RevokeToken(ctx, b.AccessTokens[0].ID, now, nil) }, []int{0}, false},
		{"RevokeToken of a client's own token", func(b *oauth.ImportBatch) error { return s.RevokeToken(ctx, b.AccessTokens[1].ID, now, nil) }, []int{1}, false},
		{"RevokeFamily", func(b *oauth.ImportBatch) error { return s.RevokeFamily(ctx, b.Families[0].ID, now, nil) }, []int{0}, false},
		{"RevokeFamilies", func(b *oauth.ImportBatch) error {
			return s.RevokeFamilies(ctx, oauth.FamilyFilter{User: b.Families[0].User}, now, nil)
		}, []int{0}, true},
		{"RevokeFamilies of other sessions", func(b *oauth.ImportBatch) error {
			return s.RevokeFamilies(ctx, oauth.FamilyFilter{User: b.Families[0].User, ExceptSession: oauth.DigestOf("mine")}, now, nil)
		}, []int{0}, true},
		{"Withdraw", func(b *oauth.ImportBatch) error {
			return s.Withdraw(ctx, b.Families[0].User, b.Families[0].ClientID, now, nil)
		}, []int{0}, true},
		{"RevokeTokensOfClient", func(b *oauth.ImportBatch) error {
			return s.RevokeTokensOfClient(ctx, b.Families[0].ClientID, now, nil)
		}, []int{0, 1}, true},
		{"RevokeClient", func(b *oauth.ImportBatch) error { return s.RevokeClient(ctx, b.Families[0].ClientID, now, nil) }, []int{0, 1}, true},
	}
}

// lastingPair returns importedPair with a year to live, for the user and the client of a
// number.
func lastingPair(number, n int) *oauth.ImportBatch {
	b := importedPair(fmt.Sprint("shop-", number), n)
	b.Families[0].User = user(fmt.Sprint("user-", number))
	b.Families[0].ExpiresAt, b.AccessTokens[0].ExpiresAt, b.RefreshTokens[0].ExpiresAt = now.Add(365*day), now.Add(365*day), now.Add(365*day)
	return b
}

// purgeUntilSwitch ends imported records in every way, purges, and imports them again. Until
// the switch nothing comes back to life. After it, a purge deletes the records.
func purgeUntilSwitch(w *world) {
	s := w.imports()
	ended := oauth.EndedBefore(now.Add(2 * day))
	brief := w.imported(s, "brief", 1)
	w.must(w.store.RevokeToken(w.Context(), brief.AccessTokens[0].ID, now, nil))
	ways, batches := importEnds(w), []*oauth.ImportBatch{}
	for number, way := range ways {
		b := lastingPair(number, 10*number+10)
		c := importedClientOf(b.Families[0].ClientID)
		c.Client.Owner = user("developer") // a purge deletes such a client
		b.Clients = []*oauth.ImportedClient{c}
		b.Consents = []oauth.ImportedConsent{{User: b.Families[0].User, ClientID: c.Client.ID, Scopes: []string{"read"}, GrantedAt: now}}
		b.AccessTokens = append(b.AccessTokens, &oauth.AccessToken{
			ID: hexID(10*number + 11), Client: c.Client, Scopes: []string{"read"}, IssuedAt: now, ExpiresAt: now.Add(365 * day),
		})
		w.must(s.Import(w.Context(), b))
		w.must(way.end(b))
		batches = append(batches, b)
	}

	w.purgeAs(ended)
	w.there("a revoked and expired token, after a purge before the switch", brief.AccessTokens[0].ID, false)
	var gone []string
	for number, way := range ways {
		b, late := batches[number], lastingPair(number, 10*number+12)
		w.must(s.Import(w.Context(), b))
		w.must(s.Import(w.Context(), late))
		for index, t := range b.AccessTokens {
			w.lives(fmt.Sprintf("%s, a purge before the switch and another import of token %d", way.name, index), t.ID, !slices.Contains(way.ends, index))
		}
		id := late.AccessTokens[0].ID
		w.lives(way.name+", a purge and the first import of an earlier token", id, !way.late)
		if way.late {
			gone = append(gone, id)
		}
		for _, index := range way.ends {
			gone = append(gone, b.AccessTokens[index].ID)
		}
		if way.name == "Withdraw" {
			w.consented("a withdrawal, a purge and another import", b.Families[0].User, b.Families[0].ClientID)
		}
	}

	w.must(s.SetImportNote(w.Context(), oauth.ImportSwitched, "2026-11-30T12:00:00Z"))
	w.purgeAs(ended)
	for _, id := range gone {
		w.there("an ended token, after a purge that follows the switch", id, false)
	}
	_, err := w.store.Client(w.Context(), batches[len(batches)-1].Families[0].ClientID)
	w.gone("Client() of a user's client that was revoked before the switch", err)
}
