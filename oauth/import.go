package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// ImportStore is a [Store] that takes over the records of another server. They become
// ordinary records: everything that ends, lists or purges tokens applies to them. Their
// digests and families have special IDs; see [ImportedDigest] and [ImportedFamilyID].
type ImportStore interface {
	// LastImport returns the ID of the import that began last, or "" before the first one.
	LastImport(ctx context.Context) (string, error)

	// BeginImport begins an import and stores its first notes, by name. last is what
	// LastImport returned before the importer read the other server; if another import has
	// begun since then, BeginImport returns [ErrConflict] and changes nothing. All writes
	// of the importer must use the returned context: as soon as another import has begun,
	// they fail with [ErrImportOvertaken] and change nothing, so two imports never mix.
	BeginImport(ctx context.Context, last string, notes map[string]string) (context.Context, error)

	// Import stores a batch. A second import of the same records changes nothing. What
	// was revoked or spent here stays so. What the other server has revoked or spent
	// since then ends here too. It returns [ErrConflict] if a client with the same ID
	// exists here that was not imported. Records of a batch can have any order. A batch
	// should have a thousand tokens at most, because a transaction has a time limit.
	Import(ctx context.Context, b *ImportBatch) error

	// EndUnseen revokes the imported refresh tokens whose user is not known, have not
	// begun, and that no import since the given time has named: the other server has
	// deleted them. It returns their number.
	EndUnseen(ctx context.Context, at time.Time) (int, error)

	// SpendImported spends the imported refresh tokens of families, because the other
	// server has deleted them. It does not end the families.
	SpendImported(ctx context.Context, familyIDs []string, at time.Time) error

	// UsableTokenIDs returns the IDs of access tokens of which something was not revoked:
	// the token itself, or a refresh token that was issued with it and is unspent. A revoked
	// family has none of them. The tokens may be expired, or of this server. It returns
	// those after an ID, in the order of IDs, and 5,000 at most.
	UsableTokenIDs(ctx context.Context, after string) ([]string, error)

	// SetImportNote keeps a text of the importer under a name.
	SetImportNote(ctx context.Context, name, value string) error

	// ImportStatus counts what is left of the imported records at the given time.
	ImportStatus(ctx context.Context, at time.Time) (*ImportStatus, error)

	// BeginImported begins the family of an imported refresh token whose user was not
	// known at the import. It stores the family, and the refresh token with the given
	// scopes. It does nothing if the refresh token has begun before, was revoked, or has
	// expired.
	BeginImported(ctx context.Context, d Digest, f *Family, scopes []string, at time.Time) error

	// ReplaceSecret replaces one digest of a client's secret by another one. It does
	// nothing if the client does not have the old one any more.
	ReplaceSecret(ctx context.Context, clientID string, old, replacement Digest) error

	// ImportedClient returns what is known about the import of a client. It returns
	// [ErrNotFound] for a client that was not imported.
	ImportedClient(ctx context.Context, id string) (*ImportedClient, error)

	// ImportedRefreshToken returns an imported refresh token whose user was not known at
	// the import. It may have begun, ended or expired.
	ImportedRefreshToken(ctx context.Context, d Digest) (*ImportedRefreshToken, error)

	// ImportNote returns a text that SetImportNote has stored, or [ErrNotFound].
	ImportNote(ctx context.Context, name string) (string, error)
}

// BulkImportStore is an [ImportStore] that prepares for many writes.
type BulkImportStore interface {
	ImportStore

	// DuringImport calls write, which stores its batches with save in place of Import. It
	// calls phase before work that can take minutes, such as "creating indexes".
	DuringImport(ctx context.Context, phase func(what string), write func(save func(context.Context, *ImportBatch) error) error) error
}

// ErrImportOvertaken means that another import has begun, which imports everything.
var ErrImportOvertaken = errors.New("oauth: another import has begun since")

// ImportSwitched is the name of the [ImportStore] note that says when this server
// became the only one that issues tokens, in the form of [time.RFC3339Nano]. Until it is set,
// [Purger.Purge] keeps what was revoked.
const ImportSwitched = "switched"

// ImportBatch is a part of an import. Families are stored before the tokens and codes
// that name them.
type ImportBatch struct {
	Clients       []*ImportedClient
	Families      []*Family
	AccessTokens  []*AccessToken  // of Client and Family only the ID is read; they have no Digest
	RefreshTokens []*RefreshToken // of Family only the ID is read
	Codes         []*Code         // of Family only the ID is read
	Unowned       []*ImportedRefreshToken
	Consents      []ImportedConsent
}

// ImportedClient is a client of another server.
type ImportedClient struct {
	// Client has one secret at most. Its Digest may also be a hash that a feature can
	// verify. ImportStore.ImportedClient sets only the ID and the secret of the import,
	// which may have been replaced since.
	Client *Client

	// CiphertextsUntil is when the last of the client's imported refresh tokens and codes
	// expires; zero if there are none. For ImportStore.ImportedClient it includes
	// imported refresh tokens whose client is not known.
	CiphertextsUntil time.Time
}

// ImportedRefreshToken is a refresh token whose user and client are not known: they are
// in the token itself.
type ImportedRefreshToken struct {
	Digest        Digest
	AccessTokenID string    // the access token that was issued with it; it no longer exists
	CreatedAt     time.Time // when it was last imported
	ExpiresAt     time.Time
	RevokedAt     time.Time
	BegunAt       time.Time // when its family began; zero: not yet
}

// ImportedConsent are scopes that a user granted to a client at another server. A
// consent that exists already stays as it is.
type ImportedConsent struct {
	User      UserRef
	ClientID  string
	Scopes    []string
	GrantedAt time.Time
}

// ImportStatus counts imported records that can still be used.
type ImportStatus struct {
	Clients       int // including ended ones
	HashedSecrets int // secrets that were not used since the import
	AccessTokens  int // of users
	RefreshTokens int // that were not used since the import
	Unowned       int // refresh tokens whose user is not known
	Codes         int
}

const importedMark = "imported"

// ImportedDigest returns the digest under which an imported refresh token or code is
// stored: purpose is [SpendRefreshToken] or [SpendCode], and id is its ID at the other
// server. It is never the digest of a token of this server. So an attacker who reads an ID
// in a database can't use it as a token.
func ImportedDigest(purpose Purpose, id string) Digest {
	return importedMark + "." + DigestOf(string(purpose)+"\x00"+id)
}

// ImportedFamilyID returns the ID of the family that an imported token belongs to. id is
// the ID of the access token or code at the other server. It begins with the first
// characters of id, so that random IDs keep their order and a database can append them.
func ImportedFamilyID(id string) string {
	const prefix, digest = 12, 16
	sum := sha256.Sum256([]byte(id))
	start := id[:min(prefix, len(id))]
	if strings.Trim(start, "0123456789abcdef") != "" {
		start = ""
	}
	return importedMark + "-" + start + hex.EncodeToString(sum[:digest])
}

// Imported reports whether a family ID is one of [ImportedFamilyID].
func Imported(familyID string) bool { return strings.HasPrefix(familyID, importedMark+"-") }

// Imported reports whether a digest is one of [ImportedDigest].
func (d Digest) Imported() bool { return strings.HasPrefix(string(d), importedMark+".") }
