package storetest

import (
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// deviceCutOffs ends approved devices that were not redeemed, in each way that ends a
// code: before the approval is stored, and after it.
func deviceCutOffs(w *world) {
	withDevices(w, func(d devices) {
		ctx := w.Context()
		at := now.Add(time.Second)
		for way, end := range map[string]func(c *oauth.Client, u oauth.UserRef, family string) error{
			"RevokeFamily": func(_ *oauth.Client, _ oauth.UserRef, family string) error {
				return w.store.RevokeFamily(ctx, family, at, nil)
			},
			"RevokeFamilies": func(_ *oauth.Client, u oauth.UserRef, _ string) error {
				return w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: u}, at, nil)
			},
			"RevokeFamilies of other sessions": func(_ *oauth.Client, u oauth.UserRef, _ string) error {
				return w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: u, ExceptSession: "other", KeepPersonal: true}, at, nil)
			},
			"EndSession": func(_ *oauth.Client, u oauth.UserRef, _ string) error {
				return w.store.EndSession(ctx, u, "s", at, nil)
			},
			"Withdraw": func(c *oauth.Client, u oauth.UserRef, _ string) error { return w.store.Withdraw(ctx, u, c.ID, at, nil) },
			"RevokeTokensOfClient": func(c *oauth.Client, _ oauth.UserRef, _ string) error {
				return w.store.RevokeTokensOfClient(ctx, c.ID, at, nil)
			},
		} {
			for _, first := range []bool{true, false} {
				client := w.newClient(w.id("client"))
				c := pendingDevice(client, w.id("device"))
				w.must(d.store.CreateDeviceCode(ctx, c, 10))
				a := d.approval(c, w.id("family"), user(w.id("user")))
				steps := []func() error{
					func() error { return d.store.ApproveDeviceCode(ctx, a) },
					func() error { return end(client, a.Family.User, a.Family.ID) },
				}
				if first && way != "RevokeFamily" {
					slices.Reverse(steps)
				}
				for _, step := range steps {
					w.must(step())
				}
				code, err := w.store.Code(ctx, c.Digest)
				if err != nil || code.Family.Live(at) {
					w.Errorf("%s, before the approval was stored: %v: Code() = %+v, %v, want its family dead", way, first, code, err)
				}
				if way == "EndSession" {
					i := issuance(client, a.Family, w.id("token"), spendDevice(c))
					if err := w.store.Issue(ctx, i); err == nil {
						w.lives("a device that was redeemed after its session ended", i.AccessToken.ID, false)
					}
				}
			}
		}
	})
}

func devicePurge(w *world) {
	withDevices(w, func(d devices) {
		ctx := w.Context()
		pending, denied := d.pending(), d.pending()
		w.must(d.store.DenyDeviceCode(ctx, &oauth.DeviceDenial{Digest: denied.Digest, Time: now}))
		live, f := d.approved(user("1"))
		w.must(w.store.Issue(ctx, issuance(w.client, f, "live", spendDevice(live))))
		revoked, g := d.approved(user("2"))
		w.must(w.store.RevokeFamily(ctx, g.ID, now, nil))
		unredeemed, _ := d.approved(user("3"))
		later := d.pending()
		later.Digest, later.UserDigest, later.ExpiresAt = "later", "later", pending.ExpiresAt.Add(time.Microsecond)
		w.must(d.store.CreateDeviceCode(ctx, later, 10))
		exists := func(when string, want map[string]bool) {
			w.Helper()
			for what, c := range map[string]*oauth.DeviceCode{
				"a pending code": pending, "a denied code": denied, "a live device": live, "a revoked device": revoked, "an unredeemed device": unredeemed, "a later code": later,
			} {
				if _, err := d.store.DeviceCode(ctx, c.Digest); (err == nil) != want[what] {
					w.Errorf("%s: DeviceCode() of %s = %v, want it to exist: %v", when, what, err, want[what])
				}
			}
		}
		w.purgeAs(oauth.PurgeBefore{Expired: pending.ExpiresAt})
		exists("after a purge of codes that expired at the given time", map[string]bool{
			"a live device": true, "a revoked device": true, "an unredeemed device": true, "a later code": true,
		})
		w.purgeAs(oauth.EndedBefore(now.Add(3 * day)))
		w.purgeAs(oauth.EndedBefore(now.Add(3 * day)))
		exists("after a purge days later", map[string]bool{"a live device": true})
		if code, err := w.store.Code(ctx, live.Digest); err != nil || code.SpentAt.IsZero() {
			w.Errorf("Code() of a redeemed device after a purge = %+v, %v, want it spent, so that a replay is found", code, err)
		}
	})
}

func deviceReader(w *world) {
	withDevices(w, func(d devices) {
		c := d.pending()
		reader, ok := oauth.StoreAs[oauth.DeviceReader](oauth.ReadOnly(w.store))
		if !ok {
			w.Fatal("the store has no grant power oauth.DeviceReader: return one from GrantPowers")
		}
		if got, err := reader.DeviceCode(w.Context(), c.Digest); err != nil || got.Digest != c.Digest {
			w.Errorf("DeviceCode() of the grant power = %+v, %v, want the stored code", got, err)
		}
		if _, writes := oauth.StoreAs[oauth.DeviceStore](oauth.ReadOnly(w.store)); writes {
			w.Error("a grant can reach oauth.DeviceStore: the grant power must have no other method than DeviceCode")
		}
	})
}
