package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
)

// The kinds of values that a write uses up.
const (
	spendNothing = iota
	spendCode
	spendRefresh
	newFamily // uses up nothing and begins a family
)

// write is the write of one request.
type write struct {
	kind            int
	spends          string // digest
	client, id      string
	issued, expires time.Time
	refresh         string // digest
	ends            time.Time
	family          string // set for a new family
	familyEnds      time.Time
	done            chan error
}

var errSpent = errors.New("spent")

// most is the maximum number of writes in a transaction.
const most = 64

// writer combines concurrent writes in one transaction, on its own connection.
type writer struct {
	conn          *sql.Conn
	queue         chan *write
	begin, commit *sql.Stmt
	store         func(ctx context.Context, w *write) error // one write
	single        func(w *write) bool                       // whether the write is a single statement
}

func newWriter(ctx context.Context, db *sql.DB, d sqldb.Dialect, user string) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn, queue: make(chan *write, 4*most)}
	begin := "BEGIN IMMEDIATE"
	if d.Name == sqldb.Postgres.Name {
		begin = "BEGIN"
	}
	prepare := func(q string) *sql.Stmt {
		s, fault := conn.PrepareContext(ctx, q)
		err = errors.Join(err, fault)
		return s
	}
	w.begin, w.commit = prepare(begin), prepare("COMMIT")
	if d.Name == sqldb.Postgres.Name {
		w.store, w.single = postgresWrites(prepare, user), func(*write) bool { return true }
	} else {
		w.store, w.single = sqliteWrites(prepare, user), func(out *write) bool { return out.kind == spendNothing }
	}
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	go w.run(ctx)
	return w, nil
}

func (w *writer) save(out *write) error {
	w.queue <- out
	return <-out.done
}

func (w *writer) run(ctx context.Context) {
	group := make([]*write, 0, most)
	errs := make([]error, most)
	for first := range w.queue {
		group = append(group[:0], first)
		for len(group) < most && len(w.queue) > 0 {
			group = append(group, <-w.queue)
		}
		err := w.together(ctx, group, errs)
		for i, out := range group {
			out.done <- errors.Join(errs[i], err)
		}
	}
}

func (w *writer) together(ctx context.Context, group []*write, errs []error) error {
	if len(group) == 1 && w.single(group[0]) {
		errs[0] = w.store(ctx, group[0])
		return nil
	}
	if _, err := w.begin.ExecContext(ctx); err != nil {
		return err
	}
	for i, out := range group {
		errs[i] = w.store(ctx, out)
		if errs[i] != nil && !errors.Is(errs[i], errSpent) {
			_, _ = w.conn.ExecContext(ctx, "ROLLBACK")
			return errs[i]
		}
	}
	_, err := w.commit.ExecContext(ctx)
	return err
}

const (
	accessColumns  = `INSERT INTO oauth_access_tokens (id, family_id, client_id, name, scopes, audience, issued_at, expires_at) `
	refreshColumns = `INSERT INTO oauth_refresh_tokens (digest, access_token_id, family_id, scopes, expires_at) `
	familyColumns  = `INSERT INTO oauth_families (id, provider, user_id, client_id, session, personal, ends_with_session, created_at, expires_at) `
)

// sqliteWrites uses a statement for each row, because SQLite has no round trips
// to save.
func sqliteWrites(prepare func(string) *sql.Stmt, user string) func(context.Context, *write) error {
	begin := prepare(familyColumns + `VALUES (?, 'users', ?, ?, '', 0, 0, ?, ?)`)
	insert := prepare(accessColumns + `VALUES (?, ?, ?, '', '` + scope + `', '', ?, ?)`)
	refresh := prepare(refreshColumns + `VALUES (?, ?, ?, '` + scope + `', ?)`)
	code := prepare(`UPDATE oauth_auth_codes SET spent_at = ? WHERE digest = ? AND spent_at IS NULL RETURNING family_id`)
	token := prepare(`UPDATE oauth_refresh_tokens SET spent_at = ?, successor = ? WHERE digest = ? AND spent_at IS NULL RETURNING family_id`)
	return func(ctx context.Context, w *write) (err error) {
		var family sql.NullString
		switch w.kind {
		case spendCode:
			err = code.QueryRowContext(ctx, w.issued.UnixMicro(), w.spends).Scan(&family)
		case spendRefresh:
			err = token.QueryRowContext(ctx, w.issued.UnixMicro(), w.refresh, w.spends).Scan(&family)
		case newFamily:
			family = sql.NullString{String: w.family, Valid: true}
			_, err = begin.ExecContext(ctx, w.family, user, w.client, w.issued.UnixMicro(), w.familyEnds.UnixMicro())
		}
		if errors.Is(err, sql.ErrNoRows) {
			return errSpent
		}
		if err == nil {
			_, err = insert.ExecContext(ctx, w.id, family, w.client, w.issued.UnixMicro(), w.expires.UnixMicro())
		}
		if err == nil && w.kind != spendNothing {
			_, err = refresh.ExecContext(ctx, w.refresh, w.id, family, w.ends.UnixMicro())
		}
		return err
	}
}

// postgresWrites needs one round trip for each write.
func postgresWrites(prepare func(string) *sql.Stmt, user string) func(context.Context, *write) error {
	const (
		spentCode  = `WITH spent AS (UPDATE oauth_auth_codes SET spent_at = $1 WHERE digest = $2 AND spent_at IS NULL RETURNING family_id), `
		spentToken = `WITH spent AS (UPDATE oauth_refresh_tokens SET spent_at = $1, successor = $6 WHERE digest = $2 AND spent_at IS NULL RETURNING family_id), `
		inserts    = `access AS (` + accessColumns + `SELECT $3::text, family_id, $4::text, '', '` + scope + `', '', $1::bigint, $5::bigint FROM spent) ` +
			refreshColumns + `SELECT $6::text, $3::text, family_id, '` + scope + `', $7::bigint FROM spent`
	)
	insert := prepare(accessColumns + `VALUES ($1, NULL, $2, '', '` + scope + `', '', $3, $4)`)
	code, token := prepare(spentCode+inserts), prepare(spentToken+inserts)
	begin := prepare(`WITH spent AS (` + familyColumns + `VALUES ($2, 'users', $8, $4, '', 0, 0, $1, $9) RETURNING id AS family_id), ` + inserts)
	return func(ctx context.Context, w *write) error {
		at, expires := w.issued.UnixMicro(), w.expires.UnixMicro()
		if w.kind == spendNothing {
			_, err := insert.ExecContext(ctx, w.id, w.client, at, expires)
			return err
		}
		spend, args := code, []any{at, w.spends, w.id, w.client, expires, w.refresh, w.ends.UnixMicro()}
		switch w.kind {
		case spendRefresh:
			spend = token
		case newFamily:
			spend, args[1] = begin, w.family
			args = append(args, user, w.familyEnds.UnixMicro())
		}
		res, err := spend.ExecContext(ctx, args...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errSpent)
		}
		return nil
	}
}
