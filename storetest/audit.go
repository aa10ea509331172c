package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

func record(action string) *oauth.AuditRecord {
	return &oauth.AuditRecord{
		Time: now, Action: action, Actor: "users:42", User: user("1"), ClientID: "client", Reason: "reason, 名前", Address: "192.0.2.1", RequestID: "r-1",
	}
}

// auditLog does each change twice. The second call changes nothing or fails, so it must
// not be logged.
func auditLog(w *world) {
	log, ok := oauth.StoreAs[oauth.AuditStore](w.store)
	if !ok {
		w.Skip("the store keeps no audit log")
	}
	ctx, s := w.Context(), w.store
	f, g := family(w.client, "family", user("1")), family(w.client, "second", user("1"))
	first, secret := issuance(w.client, f, "first", spendCode(f)), oauth.Secret{Digest: oauth.DigestOf("s"), CreatedAt: now}
	created := &oauth.Client{ID: "created", CreatedAt: now}
	var want []string
	for _, change := range []struct {
		action string
		run    func(a *oauth.AuditRecord) error
	}{
		{"client.created", func(a *oauth.AuditRecord) error { return s.CreateClient(ctx, created, a) }},
		{"client.updated", func(a *oauth.AuditRecord) error { return s.UpdateClient(ctx, created, a) }},
		{"secret.rotated", func(a *oauth.AuditRecord) error { return s.RotateSecret(ctx, "created", secret, now, a) }},
		{"client.revoked", func(a *oauth.AuditRecord) error { return s.RevokeClient(ctx, "created", now, a) }},
		{"consent.given", func(a *oauth.AuditRecord) error {
			b := codeIssuance(f)
			b.Ticket, b.Until, b.Consents, b.Audit = "ticket", now.Add(day), []string{"read"}, a
			return s.IssueCode(ctx, b)
		}},
		{"token.issued", func(a *oauth.AuditRecord) error {
			first.Audit = a
			return s.Issue(ctx, first)
		}},
		{"token.issued alone", func(a *oauth.AuditRecord) error {
			i := issuance(w.client, nil, "own", oauth.Spend{})
			i.Audit = a
			return s.Issue(ctx, i)
		}},
		{"own token.revoked", func(a *oauth.AuditRecord) error { return s.RevokeToken(ctx, "own", now, a) }},
		{"token.revoked", func(a *oauth.AuditRecord) error { return s.RevokeToken(ctx, "first", now, a) }},
		{"family.begun", func(a *oauth.AuditRecord) error {
			i := starting(w.client, g, "second")
			i.Audit = a
			return s.Issue(ctx, i)
		}},
		{"family.revoked", func(a *oauth.AuditRecord) error { return s.RevokeFamily(ctx, g.ID, now, a) }},
		{"user.revoked", func(a *oauth.AuditRecord) error {
			return s.RevokeFamilies(ctx, oauth.FamilyFilter{User: f.User}, now, a)
		}},
		{"consent.withdrawn", func(a *oauth.AuditRecord) error { return s.Withdraw(ctx, f.User, w.client.ID, now, a) }},
	} {
		if err := change.run(record(change.action)); err != nil {
			w.Fatalf("%s: %v", change.action, err)
		}
		want = append(want, change.action)
		_ = change.run(record(change.action + " again")) // it may return an error
	}
	_ = s.RevokeToken(ctx, "missing", now, record("missing"))
	var got []string
	for r, err := range log.AuditLog(ctx, now) {
		w.must(err)
		if got = append(got, r.Action); *r != *record(r.Action) {
			w.Errorf("AuditLog() yields %+v, want %+v", *r, *record(r.Action))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("AuditLog() has the actions %q,\nwant %q", got, want)
	}
	auditPages(ctx, w, log)
}

// auditPages reads a long log, partly from a given time.
func auditPages(ctx context.Context, w *world, log oauth.AuditStore) {
	since := now.Add(time.Hour)
	var want []string
	for n := range many {
		r := record(fmt.Sprint("page ", n))
		r.Time = since.Add(time.Duration(n/150) * time.Minute)
		w.must(w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: user(fmt.Sprint("u", n))}, now, r))
		want = append(want, r.Action)
	}
	var got []string
	last := time.Time{}
	for r, err := range log.AuditLog(ctx, since) {
		w.must(err)
		if r.Time.Before(last) {
			w.Errorf("AuditLog() yields %v after %v, want oldest first", r.Time, last)
		}
		got, last = append(got, r.Action), r.Time
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("AuditLog() yields %d records, want the %d since that time, each once", len(got), len(want))
	}
	// A value that a client sent must not make a change fail.
	odd := record("odd")
	odd.RequestID, odd.Address, odd.Reason = "a\x00b\xff", strings.Repeat("é", 300), strings.Repeat("x", 5000)
	w.must(w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: user("odd")}, now, odd))
}
