package dbtest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-passport/passport/oauth"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var alice = oauth.UserRef{Provider: "users", ID: "alice"}

func newClient(id string) *oauth.Client {
	return &oauth.Client{
		ID: id, Name: "Client", AuthMethod: oauth.AuthBasic, RedirectURIs: []string{"https://a.example/cb"}, CreatedAt: now,
		Secrets: []oauth.Secret{{Digest: oauth.DigestOf("client secret"), CreatedAt: now}},
	}
}

func newFamily(id string) *oauth.Family {
	return &oauth.Family{
		ID: id, User: alice, ClientID: "client", Session: oauth.DigestOf("session of " + id), CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour),
	}
}

// newCodeIssuance returns an issuance with the code "code of ID" and the ticket "ticket
// of ID".
func newCodeIssuance(f *oauth.Family, consents ...string) *oauth.CodeIssuance {
	code := &oauth.Code{Digest: oauth.DigestOf("code of " + f.ID), Family: f, Scopes: []string{"read"}, ExpiresAt: now.Add(time.Minute)}
	return &oauth.CodeIssuance{Ticket: "ticket of " + f.ID, Until: now.Add(time.Hour), Family: f, Code: code, Consents: consents}
}

// newIssuance returns an issuance with the refresh token "refresh ID".
func newIssuance(c *oauth.Client, f *oauth.Family, id string, spends oauth.Spend) *oauth.Issuance {
	i := &oauth.Issuance{
		Time: now, Spends: spends,
		AccessToken: &oauth.AccessToken{ID: id, Client: c, Family: f, Scopes: []string{"read"}, IssuedAt: now, ExpiresAt: now.Add(time.Hour)},
	}
	if f != nil {
		i.RefreshToken = &oauth.RefreshToken{Digest: oauth.DigestOf("refresh " + id), AccessTokenID: id, Family: f, ExpiresAt: now.Add(12 * time.Hour)}
	}
	return i
}

func spendCode(f *oauth.Family) oauth.Spend {
	return oauth.Spend{Purpose: oauth.SpendCode, ID: string(oauth.DigestOf("code of " + f.ID))}
}

func spendRefresh(id string) oauth.Spend {
	return oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: string(oauth.DigestOf("refresh " + id))}
}

// populated stores a client and a family with an unredeemed code.
func populated(t testing.TB, s oauth.Store) (*oauth.Client, *oauth.Family) {
	t.Helper()
	c, f := newClient("client"), newFamily("family")
	c.OpenID = &oauth.ClientOpenID{BackchannelLogoutURI: "https://a.example/logout"}
	must(t, s.CreateClient(t.Context(), c, nil))
	must(t, s.IssueCode(t.Context(), newCodeIssuance(f)))
	return c, f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// verb is a call of one store method, with the records of [populated].
type verb struct {
	name   string
	writes bool
	call   func() error
}

// verbs returns calls of all store methods, in an order in which each finds its
// records.
func verbs(t testing.TB, s interface {
	oauth.Store
	oauth.AuditStore
	oauth.PresentedStore
	oauth.FamilyLimitStore
	oauth.ConsentListStore
	oauth.LastUsedStore
	oauth.DeviceStore
	oauth.LogoutStore
	oauth.ImportStore
}, c *oauth.Client, f *oauth.Family, audit *oauth.AuditRecord) []verb {
	ctx := t.Context()
	code, begun := newIssuance(c, f, "first", spendCode(f)), newCodeIssuance(newFamily("second"), "a", "b")
	refresh, own := newIssuance(c, f, "refreshed", spendRefresh("first")), newIssuance(c, nil, "own", oauth.Spend{})
	remembered := newCodeIssuance(newFamily("third"))
	remembered.Ticket = ""
	personal := newIssuance(c, newFamily("fourth"), "opaque", oauth.Spend{})
	personal.NewFamily, personal.RefreshToken, personal.AccessToken.Digest = personal.AccessToken.Family, nil, oauth.DigestOf("opaque")
	password := newIssuance(c, newFamily("fifth"), "password", oauth.Spend{})
	password.NewFamily, password.Consents = password.AccessToken.Family, []string{"a", "b"}
	keyed := newClient("keyed")
	keyed.Key = "key"
	for _, i := range []*oauth.Issuance{code, refresh, own, personal, password} {
		i.Audit = audit
	}
	partly := newCodeIssuance(newFamily("in part"), "a")
	partly.Declined = []string{"b", "c"}
	begun.Audit, remembered.Audit, partly.Audit = audit, audit, audit
	disconnect := func(token string, at time.Time) error {
		_, _, err := s.Disconnect(ctx, &oauth.Disconnection{User: alice, TokenID: token, Time: at, Revoked: audit, Withdrawn: audit})
		return err
	}
	read := func(name string, call func() error) verb { return verb{name, false, call} }
	write := func(name string, call func() error) verb { return verb{name, true, call} }
	within := newIssuance(c, newFamily("sixth"), "within", oauth.Spend{})
	within.NewFamily, within.RefreshToken, within.PersonalLimit, within.Audit = within.AccessToken.Family, nil, 100, audit
	within.NewFamily.Personal = true
	tv, declined := newDevice("tv"), newDevice("declined")
	approval := &oauth.DeviceApproval{Time: now, Family: newFamily("of the tv"), Audit: audit}
	approval.Code = &oauth.Code{Digest: tv.Digest, Family: approval.Family, Scopes: []string{"read"}, ExpiresAt: tv.ExpiresAt}
	redeemed := newIssuance(c, approval.Family, "of the tv", oauth.Spend{Purpose: oauth.SpendDeviceCode, ID: string(tv.Digest)})
	redeemed.Audit = audit
	inSession := newCodeIssuance(newFamily("in a session"))
	inSession.Ticket, inSession.Audit, inSession.Family.SID = "", audit, "sid of the session"
	var leased []*oauth.LogoutNotice
	lease := func(at time.Time) (err error) {
		leased, err = s.LeaseLogouts(ctx, &oauth.LogoutLease{ID: "lease", Time: at, Until: at.Add(time.Minute), Limit: 10, PerClient: 10})
		return err
	}
	settle := func(r oauth.LogoutResult) error {
		r.Notice, r.Time, r.Result = &oauth.LogoutNotice{ID: "missing"}, now, "200"
		if len(leased) > 0 {
			r.Notice = leased[0]
		}
		err := s.SettleLogout(ctx, &r)
		if len(leased) == 0 && errors.Is(err, oauth.ErrNotFound) {
			return nil
		}
		return err
	}
	old := &oauth.ImportedRefreshToken{Digest: oauth.ImportedDigest(oauth.SpendRefreshToken, "unowned"), AccessTokenID: "unowned", CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	begins := newFamily(oauth.ImportedFamilyID("unowned"))
	replaced := newIssuance(c, begins, "of the unowned", oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: string(old.Digest)})
	replaced.Audit = audit
	return []verb{
		read("Client", func() error { _, err := s.Client(ctx, c.ID); return err }),
		read("Clients", func() error { return all(s.Clients(ctx)) }),
		read("ClientsOf", func() error { return all(s.ClientsOf(ctx, alice)) }),
		read("UnrevokedClientsOf", func() error { return all(s.UnrevokedClientsOf(ctx, alice)) }),
		read("Code", func() error { _, err := s.Code(ctx, oauth.DigestOf("code of family")); return err }),
		read("Consented", func() error { _, _, err := s.Consented(ctx, alice, c); return err }),
		read("ConsentsOf", func() error { return all(s.ConsentsOf(ctx, alice)) }),
		write("Issue from a code", func() error { return s.Issue(ctx, code) }),
		read("ClientWithCode", func() error { _, _, err := s.ClientWithCode(ctx, c.ID, oauth.DigestOf("code of family")); return err }),
		read("ClientWithRefreshToken", func() error {
			_, _, err := s.ClientWithRefreshToken(ctx, c.ID, oauth.DigestOf("refresh first"))
			return err
		}),
		read("RefreshToken", func() error { _, err := s.RefreshToken(ctx, oauth.DigestOf("refresh first")); return err }),
		write("Issue from a refresh token", func() error { return s.Issue(ctx, refresh) }),
		write("Issue to a client", func() error { return s.Issue(ctx, own) }),
		write("Issue of an opaque token", func() error { return s.Issue(ctx, personal) }),
		write("Issue that begins a family", func() error { return s.Issue(ctx, password) }),
		read("OpaqueToken", func() error { _, err := s.OpaqueToken(ctx, oauth.DigestOf("opaque")); return err }),
		read("AccessToken", func() error { _, err := s.AccessToken(ctx, "first"); return err }),
		read("Connections", func() error { _, err := s.Connections(ctx, alice, now); return err }),
		read("PersonalTokens", func() error { _, err := s.PersonalTokens(ctx, alice); return err }),
		read("TokensOf", func() error { return all(s.TokensOf(ctx, alice)) }),
		write("SaveUses", func() error {
			return s.SaveUses(ctx, []oauth.Use{{FamilyID: "fourth", At: now, Address: "192.0.2.1"}, {FamilyID: "fifth", At: now, Agent: "curl/8.5.0"}})
		}),
		write("Begin after a page", func() error { return s.IssueCode(ctx, begun) }),
		write("Begin without a page", func() error { return s.IssueCode(ctx, remembered) }),
		write("Begin with declined scopes", func() error { return s.IssueCode(ctx, partly) }),
		write("UseOnce", func() error { return s.UseOnce(ctx, "a.b", "value", now.Add(time.Hour)) }),
		write("CreateClient", func() error { return s.CreateClient(ctx, newClient("another"), audit) }),
		write("CreateClientWithin", func() error { return s.CreateClientWithin(ctx, newClient("owned"), 100, audit) }),
		write("Issue of a personal token within a limit", func() error { return s.Issue(ctx, within) }),
		write("CreateClient with a key", func() error { return s.CreateClient(ctx, keyed, audit) }),
		read("ClientByKey", func() error { _, err := s.ClientByKey(ctx, "key"); return err }),
		write("CreateClient that is numbered", func() error { return s.CreateClient(ctx, newClient(""), audit) }),
		write("UpdateClient", func() error { return s.UpdateClient(ctx, newClient("another"), audit) }),
		write("RotateSecret", func() error {
			return s.RotateSecret(ctx, "another", oauth.Secret{Digest: "x", CreatedAt: now}, now.Add(time.Hour), audit)
		}),
		read("TokensOfClient", func() error { return all(s.TokensOfClient(ctx, c.ID)) }),
		write("CreateDeviceCode", func() error { return s.CreateDeviceCode(ctx, tv, 100) }),
		write("CreateDeviceCode of another", func() error { return s.CreateDeviceCode(ctx, declined, 100) }),
		read("DeviceCode", func() error { _, err := s.DeviceCode(ctx, tv.Digest); return err }),
		read("DeviceCodeOfUser", func() error { _, err := s.DeviceCodeOfUser(ctx, tv.UserDigest); return err }),
		write("PollDeviceCode in time", func() error { _, err := s.PollDeviceCode(ctx, tv.Digest, now); return err }),
		write("PollDeviceCode that is early", func() error { _, err := s.PollDeviceCode(ctx, tv.Digest, now); return err }),
		write("ApproveDeviceCode", func() error { return s.ApproveDeviceCode(ctx, approval) }),
		write("DenyDeviceCode", func() error {
			return s.DenyDeviceCode(ctx, &oauth.DeviceDenial{Digest: declined.Digest, Time: now, Audit: audit})
		}),
		write("Issue from a device code", func() error { return s.Issue(ctx, redeemed) }),
		read("DevicesOf", func() error { _, err := s.DevicesOf(ctx, alice); return err }),
		write("RevokeToken of a client", func() error { return s.RevokeToken(ctx, "own", now, audit) }),
		write("RevokeToken of a user", func() error { return s.RevokeToken(ctx, "first", now, audit) }),
		write("Disconnect", func() error { return disconnect("opaque", now) }),
		write("LimitFamilies", func() error {
			_, err := s.LimitFamilies(ctx, &oauth.FamilyLimit{User: alice, ClientID: c.ID, Keep: 50, Time: now, Audit: audit})
			return err
		}),
		read("AboveFamilyLimit", func() error { return all(s.AboveFamilyLimit(ctx, 50, now.Add(-time.Hour), now)) }),
		write("RevokeFamily", func() error { return s.RevokeFamily(ctx, "second", now, audit) }),
		write("RevokeFamilies", func() error { return s.RevokeFamilies(ctx, oauth.FamilyFilter{User: alice}, now, audit) }),
		write("Disconnect of the last one", func() error { return disconnect("first", now.Add(time.Second)) }),
		write("EndSession", func() error { return s.EndSession(ctx, alice, "session", now, audit) }),
		write("Withdraw", func() error { return s.Withdraw(ctx, alice, c.ID, now, audit) }),
		read("LeaseLogouts of none", func() error { return lease(now) }),
		write("Begin in a session", func() error { return s.IssueCode(ctx, inSession) }),
		read("SID", func() error { _, err := s.SID(ctx, alice, inSession.Family.Session, c.ID); return err }),
		write("EndSession that tells a client", func() error { return s.EndSession(ctx, alice, inSession.Family.Session, now.Add(time.Minute), audit) }),
		write("LeaseLogouts", func() error { return lease(now.Add(time.Minute)) }),
		write("SettleLogout to try again", func() error { return settle(oauth.LogoutResult{RetryAt: now.Add(2 * time.Minute)}) }),
		write("LeaseLogouts again", func() error { return lease(now.Add(2 * time.Minute)) }),
		write("SettleLogout", func() error { return settle(oauth.LogoutResult{Done: true}) }),
		read("LogoutStatus", func() error { _, err := s.LogoutStatus(ctx, c.ID); return err }),
		read("TellsClients", func() error { _, err := s.TellsClients(ctx); return err }),
		read("LastImport", func() error { _, err := s.LastImport(ctx); return err }),
		write("BeginImport", func() error { _, err := s.BeginImport(ctx, "", map[string]string{"first": "text"}); return err }),
		write("Import", func() error { return s.Import(ctx, newImport(c, old)) }),
		read("ImportedRefreshToken", func() error { _, err := s.ImportedRefreshToken(ctx, old.Digest); return err }),
		write("BeginImported", func() error { return s.BeginImported(ctx, old.Digest, begins, []string{"read"}, now) }),
		write("Issue that replaces an imported token", func() error { return s.Issue(ctx, replaced) }),
		write("ReplaceSecret", func() error { return s.ReplaceSecret(ctx, c.ID, "y", "z") }),
		write("SetImportNote", func() error { return s.SetImportNote(ctx, "note", "text") }),
		read("ImportNote", func() error { _, err := s.ImportNote(ctx, "note"); return err }),
		read("ImportedClient", func() error {
			if _, err := s.ImportedClient(ctx, c.ID); !errors.Is(err, oauth.ErrNotFound) {
				return err
			}
			return nil
		}),
		write("RevokeTokensOfClient", func() error { return s.RevokeTokensOfClient(ctx, "another", now, audit) }),
		write("RevokeClient", func() error { return s.RevokeClient(ctx, "another", now, audit) }),
		read("AuditLog", func() error { return all(s.AuditLog(ctx, now)) }),
		write("Purge", func() error { _, err := s.Purge(ctx, oauth.EndedBefore(now.Add(100*time.Hour)), 1000); return err }),
	}
}

// newImport returns records of another server: a token pair with its family, a code, a
// consent, and a refresh token without an owner.
func newImport(c *oauth.Client, unowned *oauth.ImportedRefreshToken) *oauth.ImportBatch {
	f := newFamily(oauth.ImportedFamilyID("imported"))
	return &oauth.ImportBatch{
		Families:     []*oauth.Family{f},
		AccessTokens: []*oauth.AccessToken{{ID: "imported", Client: c, Family: f, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}},
		RefreshTokens: []*oauth.RefreshToken{{
			Digest: oauth.ImportedDigest(oauth.SpendRefreshToken, "imported"), AccessTokenID: "imported", Family: f, ExpiresAt: now.Add(time.Hour),
		}},
		Codes:    []*oauth.Code{{Digest: oauth.ImportedDigest(oauth.SpendCode, "imported"), Family: f, ExpiresAt: now.Add(time.Hour)}},
		Unowned:  []*oauth.ImportedRefreshToken{unowned},
		Consents: []oauth.ImportedConsent{{User: alice, ClientID: c.ID, Scopes: []string{"read"}, GrantedAt: now}},
	}
}

// newDevice returns a device code of the client of [populated].
func newDevice(id string) *oauth.DeviceCode {
	return &oauth.DeviceCode{
		Digest: oauth.DeviceDigest(id), UserDigest: oauth.DigestOf("user code of " + id), ClientID: "client", Scopes: []string{"read"},
		CreatedAt: now, ExpiresAt: now.Add(10 * time.Minute), Interval: 5 * time.Second,
	}
}

// all reads a whole list.
func all[T any](list func(yield func(T, error) bool)) (err error) {
	list(func(_ T, e error) bool {
		err = e
		return e == nil
	})
	return err
}
