package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/bench/internal/server"
)

const postgresVariable = "PASSPORT_TEST_POSTGRES"

// measured is one path with a number of connections: the outcomes of both
// servers, pair by pair.
type measured struct {
	name              string
	connections       int
	ceiling, passport []outcome
}

// measure prints the tables of one kind of database.
func measure(ctx context.Context, o options, b binaries, kind string) error {
	var all []measured
	var resting resources
	for _, embedded := range []bool{false, true} {
		if !o.any(embedded) {
			continue
		}
		rows, rest, err := measureBoth(ctx, o, b, kind, embedded)
		if err != nil {
			return err
		}
		all = append(all, rows...)
		if !embedded {
			resting = rest
		}
	}
	printTable(kind, all)
	if resting.size > 0 {
		printResources(kind, resting)
	}
	return nil
}

func (o options) any(embedded bool) bool {
	return slices.ContainsFunc(cases, func(c benchCase) bool { return c.embedded == embedded && o.only.MatchString(c.name) })
}

// measureBoth runs a ceiling and Passport side by side, and loads them in
// alternation.
func measureBoth(ctx context.Context, o options, b binaries, kind string, embedded bool) (rows []measured, rest resources, err error) {
	name, inApplication := "passport", embedded || o.embed
	if inApplication {
		name = "embed"
	}
	both := make([]*subject, 2)
	for i, name := range []string{"ceiling", name} {
		database, drop, err := newDatabase(ctx, kind, filepath.Join(b.folder, name))
		if err != nil {
			return nil, rest, err
		}
		defer drop()
		if both[i], err = newSubject(ctx, b, name, database, o.profile != ""); err != nil {
			return nil, rest, err
		}
		defer both[i].close()
	}
	if inApplication {
		rows, err = runCases(ctx, o, both, embedded)
		return rows, rest, err
	}
	if rest, err = atRest(b, both[1]); err != nil {
		return nil, rest, err
	}
	rows, err = runCases(ctx, o, both, embedded)
	rest.load, err = both[1].peak(err)
	return rows, rest, err
}

// runCases loads both servers with the selected cases.
func runCases(ctx context.Context, o options, both []*subject, embedded bool) (rows []measured, err error) {
	for _, c := range cases {
		if c.embedded != embedded || !o.only.MatchString(c.name) {
			continue
		}
		for _, connections := range o.connections {
			row, err := alternate(ctx, o, c, both, connections)
			if err != nil {
				return nil, fmt.Errorf("%s at %d connections: %w", c.name, connections, err)
			}
			rows = append(rows, row)
		}
		if o.profile != "" {
			for _, s := range both {
				if err := s.profile(ctx, o, c); err != nil {
					return nil, err
				}
			}
		}
	}
	return rows, nil
}

// alternate loads the two servers in the order A B B A …, after a short warm-up.
func alternate(ctx context.Context, o options, c benchCase, both []*subject, connections int) (measured, error) {
	m := measured{name: c.name, connections: connections}
	for _, s := range both {
		if _, err := s.load(ctx, c, connections, o.lasting/5); err != nil {
			return m, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for pair := range o.pairs {
		order := []int{0, 1}
		if pair%2 == 1 {
			order = []int{1, 0}
		}
		for _, i := range order {
			out, err := both[i].load(ctx, c, connections, o.lasting)
			if err != nil {
				return m, fmt.Errorf("%s: %w", both[i].name, err)
			}
			if i == 0 {
				m.ceiling = append(m.ceiling, out)
			} else {
				m.passport = append(m.passport, out)
			}
		}
	}
	return m, nil
}

// load runs one period of load.
func (s *subject) load(ctx context.Context, c benchCase, connections int, lasting time.Duration) (out outcome, err error) {
	if err := ctx.Err(); err != nil {
		return out, err
	}
	callers, err := c.callers(s, ctx, connections, lasting)
	if err != nil {
		return out, err
	}
	before, err := s.process.cpu()
	if err != nil {
		return out, err
	}
	if out, err = drive(s.process.address, callers, lasting); err != nil {
		return out, err
	}
	after, err := s.process.cpu()
	out.cpu = after - before
	return out, err
}

// newDatabase creates an empty database and returns its URL.
func newDatabase(ctx context.Context, kind, folder string) (string, func(), error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", nil, err
	}
	if kind == "sqlite" {
		return "sqlite:" + filepath.Join(folder, "bench.sqlite"), func() { os.RemoveAll(folder) }, nil
	}
	run := strings.ReplaceAll(filepath.Base(filepath.Dir(folder)), "-", "_") // unique, because two benchmarks may run at once
	name := run + "_" + filepath.Base(folder)
	base := os.Getenv(postgresVariable)
	admin, err := sql.Open("pgx", base)
	if err != nil {
		return "", nil, err
	}
	drop := func() {
		_, _ = admin.Exec("DROP DATABASE IF EXISTS " + name)
		admin.Close()
		os.RemoveAll(folder)
	}
	for _, q := range []string{"DROP DATABASE IF EXISTS " + name, "CREATE DATABASE " + name} {
		if _, err := admin.ExecContext(ctx, q); err != nil {
			return "", nil, fmt.Errorf("create a database: %w", err)
		}
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", nil, fmt.Errorf("%s is not a URL", postgresVariable)
	}
	u.Path = "/" + name
	return u.String(), drop, nil
}

// newSubject starts a server on an empty database.
func newSubject(ctx context.Context, b binaries, name, database string, profiled bool) (*subject, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &subject{name: name, folder: filepath.Join(b.folder, name)}
	issuer := "http://" + address
	if s.seeds, err = newSeeds(ctx, database, issuer); err != nil {
		return nil, err
	}
	args := []string{"-listen", address, "-issuer", issuer, "-database-url", database, "-user", s.seeds.user.ID}
	program := filepath.Join(b.folder, "bin", name)
	if profiled {
		if s.pprof, err = freeAddress(); err != nil {
			return nil, err
		}
		args = append([]string{"-pprof", s.pprof}, args...)
	}
	if name == "passport" {
		settings := "default_scopes = [\"read\"]\n[[scopes]]\nid = \"read\"\ndescription = \"Read\"\n"
		if err := os.WriteFile(filepath.Join(s.folder, "passport.toml"), []byte(settings), 0o600); err != nil {
			return nil, err
		}
		args = []string{"serve", "--listen", address, "--issuer", issuer}
		if profiled {
			program = b.embed
			args = append([]string{"-binary", "-pprof", s.pprof, "--"}, args...)
		}
	}
	s.program, s.args, s.env = program, args, []string{"PASSPORT_DATABASE_URL=" + database, server.APISecret + "=" + s.seeds.secret}
	s.process, err = start(s.program, s.folder, s.args, s.env...)
	return s, err
}

func (s *subject) close() {
	s.process.stop()
	s.seeds.db.Close()
}

// profile writes a profile of the server's CPU time under one kind of request.
func (s *subject) profile(ctx context.Context, o options, c benchCase) error {
	const seconds = 4
	what := strings.NewReplacer(", ", "-", " ", "-").Replace(c.name)
	file, err := os.Create(filepath.Join(o.profile, fmt.Sprintf("%s-%s-%s.prof", s.seeds.dialect.Name, what, s.name)))
	if err != nil {
		return err
	}
	defer file.Close()
	fetched := make(chan error, 1)
	go func() {
		res, err := http.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.pprof, seconds))
		if err == nil {
			_, err = io.Copy(file, res.Body)
			res.Body.Close()
		}
		fetched <- err
	}()
	_, err = s.load(ctx, c, o.connections[len(o.connections)-1], seconds*time.Second)
	return errors.Join(err, <-fetched)
}
