package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/oauth"
)

// rivals is how many goroutines race for a one-time value.
const rivals = 64

// now is the time of all calls. A store must not read a clock: callers pass the time.
var now = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)

const day = 24 * time.Hour

// Run runs the suite. Each call of open returns a new, empty store for the test t. The
// store is not used after that test.
func Run(t *testing.T, open func(t *testing.T) oauth.Store) {
	t.Helper()
	Suite{Open: open}.Run(t)
}

// Suite configures [Run].
type Suite struct {
	// Open returns an empty store, as for [Run].
	Open func(t *testing.T) oauth.Store

	// Rounds is how often each race is repeated. The default is 200; 20 under the race
	// detector, 10 with -short.
	Rounds int

	// RevokeRounds is how often each way of revoking races each way of issuing. The
	// default is Rounds.
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

// property is a named requirement for a store.
type property struct {
	name string
	run  func(*world)
}

// properties are the requirements for every store.
var properties = []property{
	{"a code is redeemed once", codeOnce},
	{"a refresh token is spent once", refreshTokenOnce},
	{"a ticket is used once, by allow or by deny", ticketOnce},
	{"a value of any purpose is used once", valueOnce},
	{"a grant's one-time value is spent once", customSpendOnce},
	{"purposes do not spend each other", purposesDiffer},
	{"a failed issue writes nothing", failedIssueWritesNothing},

	{"a revocation races Issue", revokeAgainstIssue},
	{"a revocation races IssueCode", revokeAgainstBegin},
	{"a revocation races an Issue that starts a family", revokeAgainstNewFamily},
	{"a session ends before its code is redeemed", sessionEndsBeforeRedemption},

	{"each filter ends exactly the matching families", filters},
	{"redeemed codes outlive the end of unredeemed ones", unredeemed},
	{"revoking again changes nothing", revokedOnce},
	{"revoking one token of a user ends its family", revokeTokenEndsFamily},
	{"a token whose family is missing is dead", missingFamily},

	{"clients are read as they were stored", clientRoundTrip},
	{"a client keeps its audience", clientAudience},
	{"an invalid audience is refused", oddAudiences},
	{"a client keeps its allowed origins", clientOrigins},
	{"a stale update revives nothing", staleUpdate},
	{"secrets are rotated", secrets},
	{"a client is found by its key", clientKeys},
	{"concurrent calls create the client of a key once", clientKeyOnce},
	{"clients without an ID are numbered", numberedClients},
	{"taken numbers are skipped", takenNumbers},
	{"a failed creation takes no number", failedNumber},
	{"codes and tokens are read as they were stored", tokenRoundTrip},
	{"a replayed refresh token names its successor", successors},
	{"an opaque token is found by its digest", opaqueTokens},
	{"opaque tokens end like JWTs", opaqueTokensEnd},
	{"a caller cannot change what is stored", storedByValue},
	{"lists are complete and ordered", lists},
	{"a loop may call the store", callsInsideLoops},
	{"similar IDs are distinct", similarIDs},
	{"IDs that cannot be stored are not found", oddIDs},

	{"consents are given and withdrawn", consents},
	{"PA_2 the consents of a user are listed", consentList},
	{"a late consent does not undo a withdrawal", lateConsent},
	{"consents are given with a family that begins with its tokens", issuedConsents},
	{"FR-01 changes of consent pages are counted", consentVersion},
	{"FR-01 a consent is valid for its page only", consentOfVersion},
	{"FR-01 a consent that races a change is not valid for it", consentRace},
	{"FR_07 removing the last connection removes the consents", disconnecting},
	{"FR_07 what counts as a connection", connections},
	{"FR_07 a removal withdraws earlier consents", disconnectTimes},
	{"FR_07 concurrent removals", disconnectedAtOnce},
	{"FR_07 a removal races IssueCode", disconnectAgainstIssueCode},
	{"FR_07 a removal races Issue", disconnectAgainstIssue},
	{"FR_07 a removal is in the audit log", disconnectAudit},
	{"FR_07 a session ends in one write", sessionEnds},
	{"the audit log records changes", auditLog},
	{"keys are saved over the version that the caller read", keyRing},
	{"FR_27 long requests are kept, and bounded", pendingRequests},
	{"PA_0 a client keeps its metadata and logo", clientMetadata},
	{"PA_0 concurrent updates of a client's metadata", clientMetadataOnce},
	{"PA_0 a client changes with its metadata", clientWithMetadata},
	{"PA_0 a client is created with its metadata", clientCreatedWithMetadata},
	{"PA_0 a purge deletes the metadata of a client", clientMetadataPurged},
	{"a presented value is read with its client", presentedValues},
	{"grant powers have no methods of the store", grantPowers},

	{"purge deletes ended records", purgeForgets},
	{"purge keeps replays detectable", purgeKeepsReplays},
	{"purge revives nothing", purgeSettlesCutOffs},
	{"purge works in steps", purgeInPieces},
	{"purge deletes the requested kinds", purgeKinds},
	{"D14 purge deletes up to the given time", purgeBoundaries},
	{"D14 refresh works after a purge", purgeThenRefresh},
	{"D14 a refresh token spent 30 days ago is known after a purge", purgeThenReplay},
	{"D14 a used code stays used after a purge", purgeThenCode},
	{"purge deletes records that ended with their client", purgeWithClient},
	{"purge deletes revoked clients of users", purgeClients},
	{"concurrent purges delete everything", purgesAtOnce},
}

// Run runs the suite on the stores that s.Open returns.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	for _, check := range slices.Concat(tokenLists, limits, properties, lastUsedProperties, deviceProperties, cutOffProperties, clientTokenProperties, clockProperties, declinedProperties, importProperties, logoutProperties) {
		t.Run(check.name, func(t *testing.T) {
			w := &world{T: t, store: s.Open(t), rounds: s.rounds()}
			w.revokeRounds = min(cmp.Or(s.RevokeRounds, w.rounds), w.rounds)
			w.client = w.newClient("client")
			check.run(w)
		})
	}
}

// world is a store with one client.
type world struct {
	*testing.T
	store  oauth.Store
	client *oauth.Client
	last   int // the number in the last new ID

	rounds, revokeRounds int
}

// id returns a new ID.
func (w *world) id(kind string) string {
	w.last++
	return fmt.Sprint(kind, "-", w.last)
}

// must fails the test on an error.
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

// codeOf returns a family's code. Its digest is the digest of the family's ID.
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

// issuance returns the issuance of an access token and a refresh token. The digest
// of the refresh token is the digest of the access token's ID. f is nil for a
// client's own token.
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

// starting returns an issuance that also stores its family.
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

// token reads an access token that must exist.
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

// refused fails the test unless err is the wanted error.
func (w *world) refused(what string, err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("%s = %v, want %v", what, err, want)
	}
}

// atOnce runs n calls concurrently.
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
