// Package server has the shared parts of this module's servers: flags, a
// database, and an address to listen on.
package server

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the drivers
	_ "modernc.org/sqlite"

	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/internal/sqldb"
)

// Options are the flags of a server.
type Options struct {
	Listen, DatabaseURL, Issuer, User, Pprof string
}

// Flags parses the flags.
func Flags() (o Options) {
	flag.StringVar(&o.Listen, "listen", "127.0.0.1:0", "address")
	flag.StringVar(&o.DatabaseURL, "database-url", "", "sqlite:FILE or postgres://…")
	flag.StringVar(&o.Issuer, "issuer", "http://127.0.0.1", "issuer")
	flag.StringVar(&o.User, "user", "alice", "ID of the only user")
	flag.StringVar(&o.Pprof, "pprof", "", "address for net/http/pprof")
	flag.Parse()
	return o
}

// The credentials of the only user.
const (
	Username = "alice@example.com"
	Password = "correct horse battery staple"
)

// The credentials of the API that introspects: its client ID, and the variable with its
// secret.
const (
	APIID     = "api"
	APISecret = "PASSPORT_BENCH_API_SECRET"
)

// The clients that get ID tokens, with RS256 and with ES256.
const (
	RS256Client = "bench-rs256"
	ES256Client = "bench-es256"
)

// connections is the size of a pool, so that none is opened under load.
const connections = 64

// Open opens the database.
func (o Options) Open() (*sql.DB, sqldb.Dialect, error) { return Open(o.DatabaseURL) }

// Open opens a database.
func Open(databaseURL string) (*sql.DB, sqldb.Dialect, error) {
	driver, dsn, dialect, err := dburl.Parse(databaseURL)
	if err != nil {
		return nil, dialect, err
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, dialect, fmt.Errorf("open the database: %w", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, dialect, nil
}

// Serve serves requests until a signal stops the process.
func (o Options) Serve(h http.Handler) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o.Profile()
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { s.Close() })
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Profile serves profiles at the address of -pprof, if there is one.
func (o Options) Profile() {
	if o.Pprof == "" {
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.Handle("/debug/pprof/allocs", pprof.Handler("allocs"))
	mux.Handle("/debug/pprof/heap", pprof.Handler("heap"))
	s := &http.Server{Addr: o.Pprof, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.ListenAndServe() }() // without it only the profile is missing
}

// Exit ends the process and prints err.
func Exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
