package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/bench/internal/server"
	"github.com/go-passport/passport/internal/opaque"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

const (
	clientID    = "bench"
	apiID       = server.APIID
	idScope     = "openid profile read" // of the clients that get ID tokens
	redirectURI = "https://app.example.com/callback"
	verifier    = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

// seeds is a database with one client, one API and one user. Its methods add
// codes and tokens.
type seeds struct {
	db      *sql.DB
	dialect sqldb.Dialect
	store   *sqlstore.Store
	user    oauth.UserRef
	secret  string // of the client, and of the API
	issuer  string
	codes   int // created so far
}

func newSeeds(ctx context.Context, databaseURL, issuer string) (*seeds, error) {
	db, dialect, err := server.Open(databaseURL)
	if err != nil {
		return nil, err
	}
	s := &seeds{db: db, dialect: dialect, store: sqlstore.New(db, dialect), secret: rand.Text() + rand.Text(), issuer: issuer}
	accounts, err := account.New(account.Config{DB: db, Dialect: dialect, Issuer: issuer})
	if err != nil {
		return nil, err
	}
	if err := s.store.Migrate(ctx); err != nil {
		return nil, err
	}
	if err := accounts.Migrate(ctx); err != nil {
		return nil, err
	}
	alice, err := accounts.Create(ctx, account.NewUser{Email: "alice@example.com", Name: "Alice", Password: rand.Text()})
	if err != nil {
		return nil, err
	}
	s.user = oauth.UserRef{Provider: "users", ID: alice.ID}
	now := time.Now().UTC().Truncate(time.Microsecond)
	secrets := []oauth.Secret{{Digest: oauth.DigestOf(s.secret), CreatedAt: now}}
	err = s.store.CreateClient(ctx, &oauth.Client{
		ID: apiID, Name: "API", AuthMethod: oauth.AuthSecret, Secrets: secrets, Audience: issuer, GrantTypes: []string{}, CreatedAt: now,
	}, nil)
	if err != nil {
		return nil, err
	}
	for _, c := range []oauth.Client{{ID: clientID}, {ID: server.RS256Client}, {ID: server.ES256Client, OpenID: &oauth.ClientOpenID{IDTokenAlg: "ES256"}}} {
		c.Name, c.AuthMethod, c.Secrets, c.CreatedAt = "Bench", oauth.AuthSecret, secrets, now
		c.RedirectURIs, c.GrantTypes = []string{redirectURI}, []string{"authorization_code", "refresh_token", "client_credentials", "password"}
		if err := s.store.CreateClient(ctx, &c, nil); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// family returns a new family of the user.
func (s *seeds) family(personal bool) *oauth.Family {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return &oauth.Family{ID: rand.Text(), User: s.user, ClientID: clientID, Personal: personal, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour)}
}

func (s *seeds) access(f *oauth.Family) *oauth.AccessToken {
	return &oauth.AccessToken{
		ID: rand.Text(), Client: &oauth.Client{ID: clientID}, Family: f, Scopes: []string{"read"}, Audience: []string{s.issuer},
		IssuedAt: f.CreatedAt, ExpiresAt: f.ExpiresAt,
	}
}

// refreshTokens stores n refresh tokens, each in its own family.
func (s *seeds) refreshTokens(ctx context.Context, n int) (tokens []string, err error) {
	for range n {
		raw, f := rand.Text()+rand.Text(), s.family(false)
		access := s.access(f)
		err := s.store.Issue(ctx, &oauth.Issuance{Time: f.CreatedAt, NewFamily: f, AccessToken: access, RefreshToken: &oauth.RefreshToken{
			Digest: oauth.DigestOf(raw), AccessTokenID: access.ID, Family: f, Scopes: access.Scopes, ExpiresAt: f.ExpiresAt,
		}})
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, raw)
	}
	return tokens, nil
}

// opaqueTokens stores personal access tokens.
func (s *seeds) opaqueTokens(ctx context.Context, n int) (tokens []string, err error) {
	for range n {
		raw, f := opaque.New("passport_pat_"), s.family(true)
		access := s.access(f)
		access.Digest = oauth.DigestOf(raw)
		if err := s.store.Issue(ctx, &oauth.Issuance{Time: f.CreatedAt, NewFamily: f, AccessToken: access}); err != nil {
			return nil, err
		}
		tokens = append(tokens, raw)
	}
	return tokens, nil
}

// code returns the n-th code.
func code(n int) string { return fmt.Sprintf("code%048d", n) }

// moreCodes stores codes of a client, many rows at a time, and returns the number of the
// first.
func (s *seeds) moreCodes(ctx context.Context, client, scope string, count int) (first int, err error) {
	first = s.codes
	s.codes += count
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	const page = 100
	for at := first; at < s.codes; at += page {
		var families, codes []any
		n := min(page, s.codes-at)
		for i := range n {
			f := s.family(false)
			families = append(families, f.ID, f.User.Provider, f.User.ID, client, "", 0, 0, sqldb.At(f.CreatedAt), sqldb.At(f.ExpiresAt))
			codes = append(codes, string(oauth.DigestOf(code(at+i))), f.ID, scope, redirectURI, challenge, sqldb.At(f.ExpiresAt))
		}
		if err := s.insert(ctx, tx, `oauth_families (id, provider, user_id, client_id, session, personal, ends_with_session, created_at, expires_at)`, families, n); err != nil {
			return 0, err
		}
		if err := s.insert(ctx, tx, `oauth_auth_codes (digest, family_id, scopes, redirect_uri, code_challenge, expires_at)`, codes, n); err != nil {
			return 0, err
		}
	}
	return first, tx.Commit()
}

func (s *seeds) insert(ctx context.Context, tx *sql.Tx, into string, values []any, rows int) error {
	var b strings.Builder
	b.WriteString("INSERT INTO " + into + " VALUES ")
	for i := range values {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%(len(values)/rows) == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		if s.dialect.Name == sqldb.Postgres.Name {
			fmt.Fprintf(&b, "$%d", i+1)
		} else {
			b.WriteString("?")
		}
	}
	_, err := tx.ExecContext(ctx, b.String()+")", values...)
	return err
}
