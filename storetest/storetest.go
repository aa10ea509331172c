package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/oauth"
)

// rivals is how many goroutines fight for a one-time value.
const rivals = 64

// now is when everything happens. No store looks at a clock: what it needs to
// know of the time it is told.
var now = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)

const day = 24 * time.Hour

// Run checks the stores that open returns: an empty one for each call, which
// may be given up when the test ends. t is the test that uses it.
func Run(t *testing.T, open func(t *testing.T) oauth.Store) {
	t.Helper()
	Suite{Open: open}.Run(t)
}

// Suite is what [Run] runs, with settings.
type Suite struct {
	// Open returns an empty store, as for [Run].
	Open func(t *testing.T) oauth.Store

	// Rounds is how often each fight is repeated: 200 when it is 0, or 20 under
	// the race detector, or 10 with -short.
	Rounds int

	// RevokeRounds is how often each way of revoking is tried against each way
	// of issuing; as often as Rounds when it is 0.
	RevokeRounds int
}

func (s Suite) rounds() int {
	switch {
	case s.Rounds > 0:
		return s.Rounds
	case testing.Short():
		return 10
	case raceDetector:
		return 20
	}
	return 200
}

// property is what a store must have.
type property struct {
	name string
	run  func(*world)
}

// Run checks the stores that s.Open returns.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	for _, check := range []property{
		{"a code is redeemed once", codeOnce},
		{"a refresh token is spent once", refreshTokenOnce},
		{"a ticket is used once, by allow or by deny", ticketOnce},
		{"a value of any purpose is seen once", valueOnce},
		{"a grant's own value is spent once", customSpendOnce},
		{"purposes do not spend each other", purposesDiffer},
		{"a failed issue writes nothing", failedIssueWritesNothing},

		{"revoking against Issue", revokeAgainstIssue},
		{"revoking against IssueCode", revokeAgainstBegin},
		{"revoking against an Issue that starts a family", revokeAgainstNewFamily},
		{"a session that ends between code and redemption", sessionEndsBeforeRedemption},

		{"each filter ends what it says and no more", filters},
		{"a cut-off ends what came before it, whenever it is stored", cutOffTimes},
		{"what is redeemed outlives the end of unredeemed codes", unredeemed},
		{"revoking again changes nothing", revokedOnce},
		{"revoking one token of a user ends its family", revokeTokenEndsFamily},
		{"a token whose family is missing is dead", missingFamily},

		{"clients come back as they were", clientRoundTrip},
		{"a client that is an API has its audience", clientAudience},
		{"an audience that no token can have is refused", oddAudiences},
		{"a stale update revives nothing", staleUpdate},
		{"secrets are rotated", secrets},
		{"a client is found by its key", clientKeys},
		{"of those who make the client with a key one does", clientKeyOnce},
		{"clients without an ID are numbered", numberedClients},
		{"numbers that are taken are passed over", takenNumbers},
		{"a client that is not made takes no number", failedNumber},
		{"codes and tokens come back as they were", tokenRoundTrip},
		{"a replayed refresh token names its successor", successors},
		{"an opaque token is found by its digest", opaqueTokens},
		{"an opaque token ends as others do", opaqueTokensEnd},
		{"a caller cannot change what is stored", storedByValue},
		{"lists have all, in order", lists},
		{"a loop may call the store", callsInsideLoops},
		{"IDs that differ a little differ", similarIDs},
		{"IDs that cannot be stored are not found", oddIDs},

		{"consents are given and withdrawn", consents},
		{"a late consent does not undo a withdrawal", lateConsent},
		{"consents are given with a family that begins with its tokens", issuedConsents},
		{"FR-01 what consent pages show is counted", consentVersion},
		{"FR-01 a consent counts for what its page showed", consentOfVersion},
		{"FR-01 a consent that races a change does not count for it", consentRace},
		{"FR_07 the last connection takes the consents with it", disconnecting},
		{"FR_07 what counts as a connection", connections},
		{"FR_07 a removal withdraws what was granted before it", disconnectTimes},
		{"FR_07 connections that are removed at once", disconnectedAtOnce},
		{"FR_07 a removal against IssueCode", disconnectAgainstIssueCode},
		{"FR_07 a removal against Issue", disconnectAgainstIssue},
		{"FR_07 a removal is in the audit log", disconnectAudit},
		{"FR_07 a session ends in one write", sessionEnds},
		{"the audit log tells of changes", auditLog},
		{"keys are saved over the version that was read", keyRing},
		{"powers of grants have no verb of the store", grantPowers},

		{"purge forgets what has ended", purgeForgets},
		{"purge forgets no replay", purgeKeepsReplays},
		{"purge brings nothing back", purgeSettlesCutOffs},
		{"purge works in pieces", purgeInPieces},
		{"purge forgets in the ways that it is told", purgeKinds},
		{"D14 purge forgets up to the very moment", purgeBoundaries},
		{"D14 purge, then refresh works", purgeThenRefresh},
		{"D14 a refresh token spent 30 days ago is known after a purge", purgeThenReplay},
		{"D14 a used code stays used after a purge", purgeThenCode},
		{"purges at once are as good as one", purgesAtOnce},
	} {
		t.Run(check.name, func(t *testing.T) {
			w := &world{T: t, store: s.Open(t), rounds: s.rounds()}
			w.revokeRounds = min(cmp.Or(s.RevokeRounds, w.rounds), w.rounds)
			w.client = w.newClient("client")
			check.run(w)
		})
	}
}

// world is a store with one client in it.
type world struct {
	*testing.T
	store  oauth.Store
	client *oauth.Client
	last   int // of the IDs that were made

	rounds, revokeRounds int
}

// id returns a new ID.
func (w *world) id(kind string) string {
	w.last++
	return fmt.Sprint(kind, "-", w.last)
}

// must fails the test when something that has to work does not.
func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) newClient(id string) *oauth.Client {
	w.Helper()
	c := &oauth.Client{ID: id, Name: "Client", AuthMethod: oauth.AuthBasic, CreatedAt: now}
	w.must(w.store.CreateClient(w.Context(), c, nil))
	return c
}

func user(id string) oauth.UserRef { return oauth.UserRef{Provider: "users", ID: id} }

func family(c *oauth.Client, id string, u oauth.UserRef) *oauth.Family {
	return &oauth.Family{ID: id, User: u, ClientID: c.ID, CreatedAt: now, ExpiresAt: now.Add(day)}
}

// codeOf returns a family's code. Its digest is that of the family's ID.
func codeOf(f *oauth.Family) *oauth.Code {
	return &oauth.Code{Digest: oauth.DigestOf(f.ID), Family: f, Scopes: []string{"read"}, ExpiresAt: now.Add(time.Minute)}
}

func codeIssuance(f *oauth.Family) *oauth.CodeIssuance {
	return &oauth.CodeIssuance{Family: f, Code: codeOf(f)}
}

// begin stores a new family and its code.
func (w *world) begin(u oauth.UserRef) *oauth.Family {
	w.Helper()
	f := family(w.client, w.id("family"), u)
	w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
	return f
}

// issuance is that of an access token and a refresh token, whose digest is that
// of the access token's ID. f is nil for a client's own.
func issuance(c *oauth.Client, f *oauth.Family, id string, spends oauth.Spend) *oauth.Issuance {
	i := &oauth.Issuance{
		Time: now, Spends: spends,
		AccessToken: &oauth.AccessToken{ID: id, Client: c, Family: f, Scopes: []string{"read"}, IssuedAt: now, ExpiresAt: now.Add(time.Hour)},
	}
	if f != nil {
		i.RefreshToken = &oauth.RefreshToken{
			Digest: oauth.DigestOf(id), AccessTokenID: id, Family: f, Scopes: []string{"read"}, ExpiresAt: now.Add(12 * time.Hour),
		}
	}
	return i
}

// starting is an issuance that stores its family too.
func starting(c *oauth.Client, f *oauth.Family, id string) *oauth.Issuance {
	i := issuance(c, f, id, oauth.Spend{})
	i.NewFamily = f
	return i
}

// issue issues tokens into a family.
func (w *world) issue(f *oauth.Family, spends oauth.Spend) *oauth.Issuance {
	w.Helper()
	i := issuance(w.client, f, w.id("token"), spends)
	w.must(w.store.Issue(w.Context(), i))
	return i
}

// start issues tokens and stores the family that they begin.
func (w *world) start(f *oauth.Family) *oauth.Issuance {
	w.Helper()
	i := starting(w.client, f, w.id("token"))
	w.must(w.store.Issue(w.Context(), i))
	return i
}

func spendCode(f *oauth.Family) oauth.Spend {
	return oauth.Spend{Purpose: oauth.SpendCode, ID: string(oauth.DigestOf(f.ID))}
}

func spendRefresh(i *oauth.Issuance) oauth.Spend {
	return oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: string(i.RefreshToken.Digest)}
}

// token reads an access token that has to be there.
func (w *world) token(id string) *oauth.AccessToken {
	w.Helper()
	token, err := w.store.AccessToken(w.Context(), id)
	if err != nil {
		w.Fatalf("AccessToken(%q) = %v", id, err)
	}
	return token
}

// tokensOf reads all access tokens of a user.
func (w *world) tokensOf(u oauth.UserRef) (tokens []*oauth.AccessToken) {
	w.Helper()
	for token, err := range w.store.TokensOf(w.Context(), u) {
		if err != nil {
			w.Fatalf("TokensOf() = %v", err)
		}
		tokens = append(tokens, token)
	}
	return tokens
}

// refused fails the test unless err is the one wanted.
func (w *world) refused(what string, err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("%s = %v, want %v", what, err, want)
	}
}

// atOnce runs n calls in as many goroutines, as close together as can be.
func atOnce(n int, call func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			call(i)
		})
	}
	close(start)
	wg.Wait()
}
