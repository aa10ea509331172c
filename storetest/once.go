package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-passport/passport/oauth"
)

// fight runs the calls of all rivals concurrently and returns the one that succeeded.
// All other rivals must get [oauth.ErrSpent].
func (w *world) fight(round int, what string, call func(i int) error) (winner int) {
	w.Helper()
	errs := make([]error, rivals)
	atOnce(rivals, func(i int) { errs[i] = call(i) })
	won := 0
	for i, err := range errs {
		switch {
		case err == nil:
			won++
			winner = i
		case !errors.Is(err, oauth.ErrSpent):
			w.Fatalf("round %d: a rival for %s got %v, want nil or ErrSpent", round, what, err)
		}
	}
	if won != 1 {
		w.Fatalf("round %d: %d of %d rivals used %s, want 1", round, won, rivals, what)
	}
	return winner
}

// onlyTokens fails the test unless the user has exactly these tokens: a rival that
// got ErrSpent must not store a token.
func (w *world) onlyTokens(u oauth.UserRef, want []string) {
	w.Helper()
	var got []string
	for _, token := range w.tokensOf(u) {
		got = append(got, token.ID)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("the user has %d tokens, want the %d of the winners", len(got), len(want))
	}
}

func codeOnce(w *world) {
	u := user("1")
	var won []string
	for round := range w.rounds {
		f := w.begin(u)
		id := func(i int) string { return fmt.Sprint(f.ID, ".", i) }
		winner := w.fight(round, "a code", func(i int) error {
			return w.store.Issue(w.Context(), issuance(w.client, f, id(i), spendCode(f)))
		})
		won = append(won, id(winner))
		code, err := w.store.Code(w.Context(), oauth.DigestOf(f.ID))
		if err != nil || !code.SpentAt.Equal(now) {
			w.Fatalf("Code() of a redeemed code = %+v, %v, want SpentAt %v", code, err, now)
		}
	}
	w.onlyTokens(u, won)
}

// refreshTokenOnce follows one family. In each round all rivals spend the refresh
// token that the winner of the last round got.
func refreshTokenOnce(w *world) {
	u := user("1")
	f := family(w.client, "family", u)
	held := w.start(f)
	won := []string{held.AccessToken.ID}
	for round := range w.rounds {
		offers := make([]*oauth.Issuance, rivals)
		for i := range offers {
			offers[i] = issuance(w.client, f, fmt.Sprint("r", round, ".", i), spendRefresh(held))
		}
		winner := offers[w.fight(round, "a refresh token", func(i int) error { return w.store.Issue(w.Context(), offers[i]) })]
		old, err := w.store.RefreshToken(w.Context(), held.RefreshToken.Digest)
		if err != nil || old.SpentAt.IsZero() || old.Successor == nil || old.Successor.Digest != winner.RefreshToken.Digest {
			w.Fatalf("RefreshToken() of a spent token = %+v, %v, want the winner's token as its successor", old, err)
		}
		held = winner
		won = append(won, held.AccessToken.ID)
	}
	w.onlyTokens(u, won)
}

// ticketOnce lets some rivals allow, which begins a family with a code or a token, and
// others deny.
func ticketOnce(w *world) {
	const token, denial = 2, 3
	for round := range w.rounds {
		ticket := fmt.Sprint("ticket-", round)
		id := func(i int) string { return fmt.Sprint(ticket, ".", i) }
		winner := w.fight(round, "a ticket", func(i int) error {
			f := family(w.client, id(i), user("1"))
			switch i % 4 {
			case token:
				is := starting(w.client, f, id(i))
				is.Spends = oauth.Spend{Purpose: oauth.SpendTicket, ID: ticket, Until: now.Add(day)}
				is.Consents = []string{fmt.Sprint("scope", i)}
				return w.store.Issue(w.Context(), is)
			case denial:
				return w.store.UseOnce(w.Context(), oauth.SpendTicket, ticket, now.Add(day))
			}
			b := codeIssuance(f)
			b.Ticket, b.Until, b.Consents = ticket, now.Add(day), []string{fmt.Sprint("scope", i)}
			return w.store.IssueCode(w.Context(), b)
		})
		for i := range rivals {
			_, code := w.store.Code(w.Context(), oauth.DigestOf(id(i)))
			_, access := w.store.AccessToken(w.Context(), id(i))
			kind := i % 4
			if won := i == winner; (code == nil) != (won && kind < token) || (access == nil) != (won && kind == token) {
				w.Fatalf("round %d: rival %d, winner %d: Code() = %v and AccessToken() = %v; want only the winner's records", round, i, winner, code, access)
			}
		}
	}
}

func valueOnce(w *world) {
	for round := range w.rounds {
		w.fight(round, "a value", func(int) error {
			return w.store.UseOnce(w.Context(), "assertion.jti", fmt.Sprint(round), now.Add(day))
		})
	}
}

func customSpendOnce(w *world) {
	u := user("1")
	var won []string
	for round := range w.rounds {
		spend := oauth.Spend{Purpose: "example.voucher", ID: fmt.Sprint("voucher ", round), Until: now.Add(day)}
		id := func(i int) string { return fmt.Sprint("v", round, ".", i) }
		winner := w.fight(round, "a voucher", func(i int) error {
			is := starting(w.client, family(w.client, id(i), u), id(i))
			is.Spends = spend
			return w.store.Issue(w.Context(), is)
		})
		won = append(won, id(winner))
	}
	w.onlyTokens(u, won)
}

func purposesDiffer(w *world) {
	f := w.begin(user("1"))
	code := spendCode(f)
	wrong := oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: code.ID}
	w.refused("Issue() that spends a code as a refresh token", w.store.Issue(w.Context(), issuance(w.client, f, "x", wrong)), oauth.ErrSpent)
	w.must(w.store.UseOnce(w.Context(), "a.b", code.ID, now.Add(day)))
	w.must(w.store.UseOnce(w.Context(), "a.c", code.ID, now.Add(day)))
	w.must(w.store.UseOnce(w.Context(), oauth.SpendTicket, code.ID, now.Add(day)))
	first := w.issue(f, code)
	wrong = oauth.Spend{Purpose: oauth.SpendCode, ID: string(first.RefreshToken.Digest)}
	w.refused("Issue() that spends a refresh token as a code", w.store.Issue(w.Context(), issuance(w.client, f, "y", wrong)), oauth.ErrSpent)
	w.issue(f, spendRefresh(first))
	unknown := oauth.Spend{Purpose: oauth.SpendCode, ID: string(oauth.DigestOf("no such code"))}
	w.refused("Issue() that spends an unknown code", w.store.Issue(w.Context(), issuance(w.client, f, "z", unknown)), oauth.ErrSpent)
}

// failedIssueWritesNothing makes the second of two writes fail. The first must be
// rolled back.
func failedIssueWritesNothing(w *world) {
	f := w.begin(user("1"))
	taken := w.start(family(w.client, "other", user("2")))

	again := issuance(w.client, f, taken.AccessToken.ID, spendCode(f))
	if err := w.store.Issue(w.Context(), again); err == nil {
		w.Error("Issue() with the ID of another access token = nil, want an error")
	}
	code, err := w.store.Code(w.Context(), oauth.DigestOf(f.ID))
	if err != nil || !code.SpentAt.IsZero() {
		w.Errorf("Code() after a failed Issue = %+v, %v, want it unspent", code, err)
	}
	late := starting(w.client, family(w.client, "late", user("3")), "late")
	late.RefreshToken.Digest = taken.RefreshToken.Digest
	if err := w.store.Issue(w.Context(), late); err == nil {
		w.Error("Issue() with the digest of another refresh token = nil, want an error")
	}
	_, err = w.store.AccessToken(w.Context(), "late")
	w.refused("AccessToken() of a failed Issue", err, oauth.ErrNotFound)
	w.refused("RevokeFamily() of a failed Issue", w.store.RevokeFamily(w.Context(), "late", now, nil), oauth.ErrNotFound)

	b := codeIssuance(family(w.client, f.ID, user("1")))
	b.Ticket, b.Until = "ticket", now.Add(day)
	if err := w.store.IssueCode(w.Context(), b); err == nil {
		w.Error("IssueCode() with the ID of another family = nil, want an error")
	}
	w.must(w.store.UseOnce(w.Context(), oauth.SpendTicket, "ticket", now.Add(day))) // the failed call did not use the ticket

	lone := issuance(w.client, f, "lone", oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: string(oauth.DigestOf("lone"))})
	lone.RefreshToken = nil
	if err := w.store.Issue(w.Context(), lone); err == nil || errors.Is(err, oauth.ErrSpent) {
		w.Errorf("Issue() that spends a refresh token without a replacement = %v, want another error", err)
	}
}
