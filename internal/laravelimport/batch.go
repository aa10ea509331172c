package laravelimport

import (
	"slices"
	"time"

	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// known is a client of the source, for the tokens that name it.
type known struct {
	client     *oauth.Client // nil: it is left out
	personal   bool
	thirdParty bool
	until      time.Time // when its last ciphertext expires
	createdAt  time.Time // of the row
}

// The reasons for which a row is left out.
const (
	whyExpired       = "expired"
	whyRevoked       = "revoked"
	whyNoClient      = "its client doesn't exist"
	whyClientRevoked = "its client is revoked"
	whyClientLeftOut = "its client is left out"
	whyUnstorable    = "its ID or that of its user can't be stored: want text of at most 255 bytes"
	whyNoUser        = "it has no user"
	whyNoScope       = "no scope may have such a name"
	whyRedirects     = "every redirect URI is refused: change them in Laravel, or admit them with --allow-redirect"
)

// builder turns rows into a batch, and counts.
type builder struct {
	mapping
	familyTTL time.Duration
	first     time.Time // of the first import, so that a repeated one changes no row
	clients   map[string]*known
	report    *Report
	consents  map[consentKey]int // where a consent is in the batch
}

// consentKey names a consent in a batch.
type consentKey struct {
	user      oauth.UserRef
	clientID  string
	grantedAt int64
}

// far is the expiry of a token whose row has none. Its signature or ciphertext has it.
const far = 10 * 365 * 24 * time.Hour

func (b *builder) live(revoked bool, expiresAt time.Time) bool {
	return !revoked && b.expiry(expiresAt).After(b.now)
}

func (b *builder) expiry(at time.Time) time.Time {
	if at.IsZero() {
		return b.now.Add(far)
	}
	return at
}

// past returns a time of the source that is not in the future: a cut-off must end a
// family that was imported before it. A missing time is that of the first import: a
// consent would otherwise come back at the next one, after the user has withdrawn it.
func (b *builder) past(at time.Time) time.Time {
	switch {
	case at.IsZero():
		return b.first
	case at.After(b.now):
		return b.now
	}
	return at
}

// clientOf returns the client of a token, or why the token is left out.
func (b *builder) clientOf(id string) (k *known, why string) {
	k = b.clients[id]
	switch {
	case k == nil:
		return nil, whyNoClient
	case k.client == nil:
		return nil, whyClientLeftOut
	case !k.client.RevokedAt.IsZero():
		return nil, whyClientRevoked
	}
	return k, ""
}

// tokens adds a page of access tokens with their refresh tokens.
func (b *builder) tokens(batch *oauth.ImportBatch, rows []*accessRow, orphans []refreshRow) {
	b.consents = make(map[consentKey]int, len(rows))
	for _, t := range rows {
		b.token(batch, t)
	}
	for _, r := range orphans {
		b.orphan(batch, r)
	}
}

func (b *builder) token(batch *oauth.ImportBatch, t *accessRow) {
	k, why := b.clientOf(t.clientID)
	if why == "" && !storable(t.id, t.userID) {
		why = whyUnstorable
	}
	if why != "" {
		b.leaveOut(t, why)
		return
	}
	t.scopes = b.scopes(t.scopes)
	b.countUser(t.userID)
	live := b.live(t.revoked, t.expiresAt)
	refreshable := t.userID != "" && slices.ContainsFunc(t.refresh, func(r refreshRow) bool { return b.live(r.revoked, r.expiresAt) })
	if !live && !refreshable {
		why = whyExpired
		if t.revoked {
			why = whyRevoked
		}
		b.leaveOut(t, why)
		return
	}
	access := &oauth.AccessToken{
		ID: t.id, Client: &oauth.Client{ID: t.clientID}, Scopes: orEmpty(t.scopes), IssuedAt: b.past(t.createdAt), ExpiresAt: b.expiry(t.expiresAt),
	}
	b.report.Settings.addScopes(t.scopes)
	if t.revoked {
		access.RevokedAt = b.now
	}
	if t.userID != "" {
		family := b.family(k, t, refreshable)
		access.Family = &oauth.Family{ID: family.ID}
		batch.Families = append(batch.Families, family)
	}
	if k.personal && t.userID != "" {
		access.Name = cut(t.name, maxName)
	}
	b.countToken(k, t, live)
	batch.AccessTokens = append(batch.AccessTokens, access)
	for _, r := range t.refresh {
		b.refresh(batch, k, access, r, live)
	}
	if live && k.thirdParty {
		b.consent(batch, access, t)
	}
}

// countToken counts an access token that is imported.
func (b *builder) countToken(k *known, t *accessRow, live bool) {
	counts := &b.report.Imported
	switch {
	case k.personal && t.userID != "":
		counts.PersonalTokens++
	case !live:
		counts.AccessTokens++
		b.report.Refreshable++
	case t.userID == "":
		counts.AccessTokens++
		b.report.OfClients++
	default:
		counts.AccessTokens++
	}
	if live && t.userID != "" {
		b.report.provider(k.client.Provider).AccessTokens++
	}
}

// leaveOut counts an access token and its refresh tokens that are not imported.
func (b *builder) leaveOut(t *accessRow, why string) {
	b.report.leaveOut("access tokens", why, 1)
	if len(t.refresh) > 0 {
		b.report.leaveOut("refresh tokens", why, len(t.refresh))
	}
}

// family returns the family of an access token. Laravel doesn't store which tokens come
// from one consent, so each token with its refresh token is a family. If it can be
// refreshed, it lives as long as a family that begins at the first import: its app would otherwise have to
// ask the user again although it refreshes in time.
func (b *builder) family(k *known, t *accessRow, refreshable bool) *oauth.Family {
	until := b.expiry(t.expiresAt)
	if refreshable {
		for _, r := range t.refresh {
			if at := b.expiry(r.expiresAt); b.live(r.revoked, r.expiresAt) && at.After(until) {
				until = at
			}
		}
		begun := b.past(t.createdAt)
		if b.first.After(begun) {
			begun = b.first
		}
		if at := begun.Add(b.familyTTL); at.After(until) {
			until = at
		}
	}
	return &oauth.Family{
		ID: oauth.ImportedFamilyID(t.id), User: b.user(k.client.Provider, t.userID), ClientID: t.clientID, Personal: k.personal,
		CreatedAt: b.past(t.createdAt), ExpiresAt: until,
	}
}

// refresh adds a refresh token. A revoked one is kept while its access token lives: if it
// comes again, that is a replay, which ends the family.
func (b *builder) refresh(batch *oauth.ImportBatch, k *known, access *oauth.AccessToken, r refreshRow, accessLives bool) {
	live := b.live(r.revoked, r.expiresAt)
	switch {
	case access.Family == nil:
		b.report.leaveOut("refresh tokens", "its access token has no user", 1)
		return
	case !live && !r.revoked:
		b.report.leaveOut("refresh tokens", whyExpired, 1)
		return
	case !live && !(accessLives && b.expiry(r.expiresAt).After(b.now)):
		b.report.leaveOut("refresh tokens", whyRevoked, 1)
		return
	}
	token := &oauth.RefreshToken{
		Digest: oauth.ImportedDigest(oauth.SpendRefreshToken, r.id), AccessTokenID: access.ID, Family: access.Family, Scopes: access.Scopes, ExpiresAt: b.expiry(r.expiresAt),
	}
	if r.revoked {
		token.SpentAt = b.now
		b.report.KeptForReplay++
	} else {
		b.report.Imported.RefreshTokens++
	}
	k.extend(token.ExpiresAt)
	batch.RefreshTokens = append(batch.RefreshTokens, token)
}

// extend moves the time until which the client has ciphertexts.
func (k *known) extend(to time.Time) {
	if to.After(k.until) {
		k.until = to
	}
}

// orphan adds a refresh token whose access token was purged. Its user and client are only
// in the token itself.
func (b *builder) orphan(batch *oauth.ImportBatch, r refreshRow) {
	if !b.live(r.revoked, r.expiresAt) {
		why := whyExpired
		if r.revoked {
			why = whyRevoked
		}
		b.report.leaveOut("refresh tokens", why, 1)
		return
	}
	if !storable(r.accessTokenID) {
		b.report.leaveOut("refresh tokens", whyUnstorable, 1)
		return
	}
	b.report.Imported.RefreshTokens++
	b.report.Unowned++
	batch.Unowned = append(batch.Unowned, &oauth.ImportedRefreshToken{
		Digest: oauth.ImportedDigest(oauth.SpendRefreshToken, r.id), AccessTokenID: r.accessTokenID, CreatedAt: b.now, ExpiresAt: b.expiry(r.expiresAt),
	})
}

// consent adds the scopes of a live token of a third-party client. Its time is that of the
// token: a user who disconnects the app withdraws it.
func (b *builder) consent(batch *oauth.ImportBatch, access *oauth.AccessToken, t *accessRow) {
	k := b.clients[t.clientID]
	var scopes []string
	for _, scope := range t.scopes {
		if scope != oauth.AllScopes && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) == 0 || access.Family == nil {
		return
	}
	b.report.Imported.Consents++
	consent := oauth.ImportedConsent{User: b.user(k.client.Provider, t.userID), ClientID: t.clientID, Scopes: scopes, GrantedAt: access.IssuedAt}
	key := consentKey{consent.User, consent.ClientID, consent.GrantedAt.UnixMicro()}
	if n, ok := b.consents[key]; ok { // a batch names a row once
		same := &batch.Consents[n]
		same.Scopes = union(same.Scopes, scopes)
		return
	}
	b.consents[key] = len(batch.Consents)
	batch.Consents = append(batch.Consents, consent)
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// code adds an authorization code that has not expired. A used one is kept, because a
// second use is a replay.
func (b *builder) code(batch *oauth.ImportBatch, c *codeRow) {
	k, why := b.clientOf(c.clientID)
	switch {
	case why != "":
	case !b.expiry(c.expiresAt).After(b.now):
		why = whyExpired
	case c.userID == "":
		why = whyNoUser
	case !storable(c.userID):
		why = whyUnstorable
	}
	if why != "" {
		b.report.leaveOut("authorization codes", why, 1)
		return
	}
	b.countUser(c.userID)
	const lifetime = 10 * time.Minute // of a code of Laravel
	var begun time.Time
	if !c.expiresAt.IsZero() {
		begun = c.expiresAt.Add(-lifetime)
	}
	family := &oauth.Family{
		ID: oauth.ImportedFamilyID(c.id), User: b.user(k.client.Provider, c.userID), ClientID: c.clientID,
		CreatedAt: b.past(begun), ExpiresAt: b.now.Add(b.familyTTL),
	}
	code := &oauth.Code{
		Digest: oauth.ImportedDigest(oauth.SpendCode, c.id), Family: &oauth.Family{ID: family.ID}, Scopes: orEmpty(b.scopes(c.scopes)), ExpiresAt: b.expiry(c.expiresAt),
	}
	if c.revoked {
		code.SpentAt = b.now
		b.report.KeptForReplay++
	} else {
		b.report.Imported.Codes++
	}
	k.extend(code.ExpiresAt)
	batch.Families = append(batch.Families, family)
	batch.Codes = append(batch.Codes, code)
}

// storable reports whether IDs can be stored. Laravel on SQLite has no limits.
func storable(ids ...string) bool {
	return !slices.ContainsFunc(ids, func(id string) bool { return !sqldb.Storable(id) })
}

// scopes returns the scopes that a token can have here. Laravel admits any text as the
// name of a scope, such as "not admin"; as a list, that would be two other scopes.
func (b *builder) scopes(names []string) []string {
	var kept []string
	for _, name := range names {
		switch {
		case !isScope(name):
			b.report.leaveOut("scopes of tokens", whyNoScope, 1)
		case !slices.Contains(kept, name):
			kept = append(kept, name)
		}
	}
	return kept
}

func isScope(name string) bool { return policy.ValidScope(name) && sqldb.Storable(name) }

// countUser notes whether the IDs of users are numbers.
func (b *builder) countUser(id string) {
	if id == "" {
		return
	}
	b.report.users++
	if isNumber(id) {
		b.report.numericUsers++
	}
}

func isNumber(id string) bool {
	if id == "" || len(id) > 18 || id[0] == '0' {
		return false
	}
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return false
		}
	}
	return true
}

func orEmpty(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}
