package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// deviceProperties are about device codes, which are optional.
var deviceProperties = []property{
	{"DV_01 device codes are read as they were stored", deviceRoundTrip},
	{"DV_01 an approval is read as it was stored", deviceApproval},
	{"DV_01 the devices of a user are listed", deviceList},
	{"DV_01 unknown device codes are not found", unknownDevices},
	{"DV_02 a poll that comes too early slows down", devicePolls},
	{"DV_02 of concurrent polls one is in time", devicePollsAtOnce},
	{"DV_03 a taken code is refused", deviceConflicts},
	{"DV_04 pending device codes are bounded", deviceLimit},
	{"DV_04 a decision is final, and an expired code gets none", deviceDecisions},
	{"DV_06 a device code is redeemed once", deviceOnce},
	{"DV_06 one of many decisions wins", deviceDecidedOnce},
	{"DV_06 everything that ends a code ends an approved device", deviceCutOffs},
	{"DV_08 a purge deletes device codes", devicePurge},
	{"DV_08 grants only read device codes", deviceReader},
}

// devices is a world whose store keeps device codes.
type devices struct {
	*world
	store oauth.DeviceStore
}

// withDevices runs a property if the store keeps device codes.
func withDevices(w *world, run func(d devices)) {
	if store, ok := oauth.StoreAs[oauth.DeviceStore](w.store); ok {
		run(devices{w, store})
	}
}

// pendingDevice is a device code that has not been stored.
func pendingDevice(c *oauth.Client, id string) *oauth.DeviceCode {
	return &oauth.DeviceCode{
		Digest: oauth.DeviceDigest(id), UserDigest: oauth.DigestOf("user code of " + id), ClientID: c.ID, Scopes: []string{"read", "write"},
		CreatedAt: now, ExpiresAt: now.Add(10 * time.Minute), Interval: 5 * time.Second,
	}
}

// pending stores a device code.
func (d devices) pending() *oauth.DeviceCode {
	d.Helper()
	c := pendingDevice(d.client, d.id("device"))
	d.must(d.store.CreateDeviceCode(d.Context(), c, 1<<20))
	return c
}

// approval returns the approval of a device code. The ID of the family is unique.
func (d devices) approval(c *oauth.DeviceCode, family string, u oauth.UserRef) *oauth.DeviceApproval {
	f := &oauth.Family{ID: family, User: u, ClientID: c.ClientID, Session: "s", CreatedAt: now, ExpiresAt: now.Add(365 * day)}
	return &oauth.DeviceApproval{
		Time: now, Family: f, Code: &oauth.Code{Digest: c.Digest, Family: f, Scopes: []string{"read"}, ExpiresAt: c.ExpiresAt},
	}
}

// approved stores a device code and its approval.
func (d devices) approved(u oauth.UserRef) (*oauth.DeviceCode, *oauth.Family) {
	d.Helper()
	c := d.pending()
	a := d.approval(c, d.id("family"), u)
	d.must(d.store.ApproveDeviceCode(d.Context(), a))
	return c, a.Family
}

// code reads a device code that must exist.
func (d devices) code(digest oauth.Digest) *oauth.DeviceCode {
	d.Helper()
	c, err := d.store.DeviceCode(d.Context(), digest)
	if err != nil {
		d.Fatalf("DeviceCode() = %v", err)
	}
	return c
}

func spendDevice(c *oauth.DeviceCode) oauth.Spend {
	return oauth.Spend{Purpose: oauth.SpendDeviceCode, ID: string(c.Digest)}
}

func deviceRoundTrip(w *world) {
	withDevices(w, func(d devices) {
		ctx := w.Context()
		want := pendingDevice(w.client, "device")
		want.Resources, want.Label, want.Address, want.UserAgent = []string{"https://api.example.com"}, "Küche \U0001f4fa", "2001:db8::1", "tv/1.0 (größer)"
		w.must(d.store.CreateDeviceCode(ctx, want, 1))
		for what, read := range map[string]func() (*oauth.DeviceCode, error){
			"DeviceCode":       func() (*oauth.DeviceCode, error) { return d.store.DeviceCode(ctx, want.Digest) },
			"DeviceCodeOfUser": func() (*oauth.DeviceCode, error) { return d.store.DeviceCodeOfUser(ctx, want.UserDigest) },
		} {
			if got, err := read(); err != nil || !reflect.DeepEqual(got, want) {
				w.Errorf("%s() = %+v, %v, want %+v", what, got, err, want)
			}
		}
	})
}

func deviceApproval(w *world) {
	withDevices(w, func(d devices) {
		ctx, want := w.Context(), pendingDevice(w.client, "device")
		want.Label = "Kitchen"
		w.must(d.store.CreateDeviceCode(ctx, want, 1))
		a := d.approval(want, "family", user("1"))
		a.Time = now.Add(time.Second)
		w.must(d.store.ApproveDeviceCode(ctx, a))
		want.DecidedAt, want.User, want.FamilyID = a.Time, user("1"), "family"
		if got := d.code(want.Digest); !reflect.DeepEqual(got, want) || !got.Approved() || got.Denied() || got.Pending() {
			w.Errorf("DeviceCode() of an approved code = %+v, want %+v", got, want)
		}
		code, err := w.store.Code(ctx, want.Digest)
		if err != nil || code.Family.ID != "family" || !slices.Equal(code.Scopes, []string{"read"}) || !code.SpentAt.IsZero() || !code.Family.Live(now) {
			w.Errorf("Code() of an approved device = %+v, %v, want the code of the approval", code, err)
		}
	})
}

func deviceList(w *world) {
	withDevices(w, func(d devices) {
		ctx, first := w.Context(), d.pending()
		a := d.approval(first, "family", user("1"))
		a.Time = now.Add(time.Second)
		w.must(d.store.ApproveDeviceCode(ctx, a))
		_, second := d.approved(user("1"))
		d.approved(user("2"))
		of, err := d.store.DevicesOf(ctx, user("1"))
		if err != nil || len(of) != 2 || of[0].FamilyID != "family" || of[1].FamilyID != second.ID {
			w.Errorf("DevicesOf() = %+v, %v, want the two devices of the user, the newest decision first", of, err)
		}
	})
}

func unknownDevices(w *world) {
	withDevices(w, func(d devices) {
		ctx, want := w.Context(), d.pending()
		for _, digest := range []oauth.Digest{"", "\x00", "unknown", oauth.DigestOf("device-1"), want.UserDigest} {
			_, err := d.store.DeviceCode(ctx, digest)
			w.refused(fmt.Sprintf("DeviceCode(%q)", digest), err, oauth.ErrNotFound)
		}
		for _, digest := range []oauth.Digest{"", "\x00", "unknown", want.Digest} {
			_, err := d.store.DeviceCodeOfUser(ctx, digest)
			w.refused(fmt.Sprintf("DeviceCodeOfUser(%q)", digest), err, oauth.ErrNotFound)
			_, err = d.store.PollDeviceCode(ctx, digest+"x", now)
			w.refused("PollDeviceCode() of an unknown code", err, oauth.ErrNotFound)
			w.refused("DenyDeviceCode() of an unknown code", d.store.DenyDeviceCode(ctx, &oauth.DeviceDenial{Digest: digest + "x", Time: now}), oauth.ErrNotFound)
			a := d.approval(&oauth.DeviceCode{Digest: digest + "x", ClientID: w.client.ID}, w.id("family"), user("1"))
			w.refused("ApproveDeviceCode() of an unknown code", d.store.ApproveDeviceCode(ctx, a), oauth.ErrNotFound)
		}
	})
}

func devicePolls(w *world) {
	withDevices(w, func(d devices) {
		c := d.pending()
		at := now
		for i, poll := range []struct {
			after time.Duration // the poll before
			early bool
			then  time.Duration // the interval
		}{
			{0, false, 5 * time.Second}, // the first one
			{5 * time.Second, false, 5 * time.Second},
			{4 * time.Second, false, 5 * time.Second}, // within the tolerance
			{4*time.Second - time.Microsecond, true, 10 * time.Second},
			{5 * time.Second, true, 15 * time.Second},
			{15 * time.Second, false, 15 * time.Second},
			{-time.Second, true, 20 * time.Second}, // of a node whose clock is behind
			{time.Minute, false, 20 * time.Second},
		} {
			at = at.Add(poll.after)
			early, err := d.store.PollDeviceCode(w.Context(), c.Digest, at)
			if err != nil || early != poll.early {
				w.Errorf("PollDeviceCode() number %d, %v after the last one = %v, %v, want %v", i, poll.after, early, err, poll.early)
			}
			if got := d.code(c.Digest); got.Interval != poll.then || !got.PolledAt.Equal(at) {
				w.Errorf("after poll number %d the interval is %v and the last poll %v, want %v and %v", i, got.Interval, got.PolledAt, poll.then, at)
			}
		}
		w.must(d.store.DenyDeviceCode(w.Context(), &oauth.DeviceDenial{Digest: c.Digest, Time: now}))
		if early, err := d.store.PollDeviceCode(w.Context(), c.Digest, at); early || err != nil {
			w.Errorf("PollDeviceCode() of a decided code = %v, %v, want no change", early, err)
		}
		if got := d.code(c.Digest); got.Interval != 20*time.Second || !got.PolledAt.Equal(at) {
			w.Errorf("a poll changed a decided code: %+v", got)
		}
	})
}

func devicePollsAtOnce(w *world) {
	withDevices(w, func(d devices) {
		for round := range min(w.rounds, 20) {
			c := d.pending()
			inTime := make([]bool, rivals)
			atOnce(rivals, func(i int) {
				early, err := d.store.PollDeviceCode(w.Context(), c.Digest, now)
				inTime[i] = !early
				if err != nil {
					w.Errorf("round %d: PollDeviceCode() = %v", round, err)
				}
			})
			n := 0
			for _, ok := range inTime {
				if ok {
					n++
				}
			}
			if want := c.Interval + (rivals-1)*oauth.DeviceSlowDown; n != 1 || d.code(c.Digest).Interval != want {
				w.Fatalf("round %d: %d of %d concurrent polls are in time, and the interval is %v; want 1 and %v", round, n, rivals, d.code(c.Digest).Interval, want)
			}
		}
	})
}

func deviceConflicts(w *world) {
	withDevices(w, func(d devices) {
		first := d.pending()
		same := pendingDevice(w.client, "other")
		same.UserDigest = first.UserDigest
		w.refused("CreateDeviceCode() with a taken user code", d.store.CreateDeviceCode(w.Context(), same, 10), oauth.ErrConflict)
		again := pendingDevice(w.client, "other")
		again.Digest = first.Digest
		w.refused("CreateDeviceCode() with a taken device code", d.store.CreateDeviceCode(w.Context(), again, 10), oauth.ErrConflict)
		if got := d.code(first.Digest); got.UserDigest != first.UserDigest {
			w.Errorf("a refused device code replaced the user code of another: %+v", got)
		}
		errs := make([]error, rivals)
		atOnce(rivals, func(i int) {
			c := pendingDevice(w.client, fmt.Sprint("rival", i))
			c.UserDigest = "one user code"
			errs[i] = d.store.CreateDeviceCode(w.Context(), c, 1<<20)
		})
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			w.refused("CreateDeviceCode() with the user code of a rival", err, oauth.ErrConflict)
		}
		if won != 1 {
			w.Errorf("%d of %d device codes got the same user code, want 1", won, rivals)
		}
	})
}

func deviceLimit(w *world) {
	withDevices(w, func(d devices) {
		ctx := w.Context()
		create := func(client *oauth.Client, at time.Time) error {
			c := pendingDevice(client, w.id("device"))
			c.CreatedAt, c.ExpiresAt = at, at.Add(10*time.Minute)
			return d.store.CreateDeviceCode(ctx, c, 3)
		}
		denied := d.pending()
		w.must(d.store.DenyDeviceCode(ctx, &oauth.DeviceDenial{Digest: denied.Digest, Time: now}))
		d.approved(user("1"))
		for range 3 {
			w.must(create(w.client, now))
		}
		w.refused("CreateDeviceCode() above the limit", create(w.client, now.Add(time.Minute)), oauth.ErrLimit)
		w.must(create(w.newClient("second"), now))
		w.must(create(w.client, now.Add(10*time.Minute))) // the first three have expired
	})
}

func deviceDecisions(w *world) {
	withDevices(w, func(d devices) {
		ctx := w.Context()
		approved, _ := d.approved(user("1"))
		denied, expired := d.pending(), d.pending()
		w.must(d.store.DenyDeviceCode(ctx, &oauth.DeviceDenial{Digest: denied.Digest, Time: now}))
		if got := d.code(denied.Digest); !got.Denied() || got.User != (oauth.UserRef{}) || !got.DecidedAt.Equal(now) {
			w.Errorf("DeviceCode() of a denied code = %+v, want it denied, without a user", got)
		}
		for what, c := range map[string]*oauth.DeviceCode{"an approved code": approved, "a denied code": denied, "an expired code": expired} {
			before := d.code(c.Digest)
			a := d.approval(c, w.id("family"), user("2"))
			a.Time = now.Add(10 * time.Minute)
			w.refused("ApproveDeviceCode() of "+what, d.store.ApproveDeviceCode(ctx, a), oauth.ErrSpent)
			w.refused("DenyDeviceCode() of "+what, d.store.DenyDeviceCode(ctx, &oauth.DeviceDenial{Digest: c.Digest, Time: a.Time}), oauth.ErrSpent)
			w.refused("RevokeFamily() of a refused approval", w.store.RevokeFamily(ctx, a.Family.ID, now, nil), oauth.ErrNotFound)
			if got := d.code(c.Digest); !reflect.DeepEqual(got, before) {
				w.Errorf("a refused decision about %s changed it: %+v, want %+v", what, got, before)
			}
		}
	})
}

func deviceOnce(w *world) {
	withDevices(w, func(d devices) {
		var won []string
		for round := range w.rounds {
			c, f := d.approved(user("1"))
			id := func(i int) string { return fmt.Sprint(f.ID, ".", i) }
			winner := w.fight(round, "a device code", func(i int) error {
				return w.store.Issue(w.Context(), issuance(w.client, f, id(i), spendDevice(c)))
			})
			won = append(won, id(winner))
			code, err := w.store.Code(w.Context(), c.Digest)
			if err != nil || !code.SpentAt.Equal(now) {
				w.Fatalf("Code() of a redeemed device code = %+v, %v, want SpentAt %v", code, err, now)
			}
		}
		w.onlyTokens(user("1"), won)
		unapproved := d.pending()
		f := family(w.client, w.id("family"), user("2"))
		w.refused("Issue() for a pending device code", w.store.Issue(w.Context(), issuance(w.client, f, "early", spendDevice(unapproved))), oauth.ErrSpent)
	})
}

// deviceDecidedOnce lets rivals approve and deny, while the device polls and tries to
// redeem.
func deviceDecidedOnce(w *world) {
	withDevices(w, func(d devices) {
		for round := range w.rounds {
			c := d.pending()
			id := func(i int) string { return fmt.Sprint(c.Digest, ".", i) }
			winner := w.fight(round, "a decision", func(i int) error {
				if _, err := d.store.PollDeviceCode(w.Context(), c.Digest, now); err != nil {
					return err
				}
				if i%2 == 1 {
					return d.store.DenyDeviceCode(w.Context(), &oauth.DeviceDenial{Digest: c.Digest, Time: now})
				}
				return d.store.ApproveDeviceCode(w.Context(), d.approval(c, id(i), user(fmt.Sprint(i))))
			})
			got := d.code(c.Digest)
			code, err := w.store.Code(w.Context(), c.Digest)
			switch allowed := winner%2 == 0; {
			case allowed && (err != nil || got.FamilyID != id(winner) || code.Family.ID != id(winner) || got.User != user(fmt.Sprint(winner))):
				w.Fatalf("round %d: DeviceCode() = %+v and Code() = %+v, %v, want those of the winner %d", round, got, code, err, winner)
			case !allowed && (err == nil || !got.Denied()):
				w.Fatalf("round %d: DeviceCode() = %+v and Code() = %v, want the code denied", round, got, err)
			}
		}
	})
}
