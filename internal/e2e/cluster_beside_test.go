package e2e_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/sqlstore"
)

// beside is an application with an API that runs beside a node. It embeds the
// library with the node's database and keys, so its guard belongs to the cluster.
type beside struct {
	auth     *passport.Server
	accounts *account.Accounts
	db       *sql.DB
	address  string
	log      *output
}

func startBeside(t *testing.T, n *node, database string) *beside {
	t.Helper()
	driver, dsn, dialect, err := dburl.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	if n.galera {
		dsn = dburl.Waiting(dsn)
	}
	b := &beside{log: &output{}}
	if b.db, err = sql.Open(driver, dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.db.Close() })
	logger := slog.New(slog.NewTextHandler(b.log, nil))
	if b.accounts, err = account.New(account.Config{DB: b.db, Dialect: dialect, Issuer: n.URL, Logger: logger}); err != nil {
		t.Fatal(err)
	}
	keys, err := passport.LoadKeys(n.keysDir())
	if err != nil {
		t.Fatal(err)
	}
	b.auth, err = passport.New(passport.Config{
		Issuer: n.URL, Store: sqlstore.New(b.db, dialect), Keys: keys, Users: b.accounts, ClientIDs: passport.Integers, Logger: logger,
		Scopes: []passport.Scope{{ID: "check-status", Description: "Check order status"}, {ID: "place-orders", Description: "Place orders"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.accounts.Connect(b.auth)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = b.auth.Run(ctx, b.accounts)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		n.canaries.check(t, "the log of the application beside "+n.name, b.log.String())
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.address = l.Addr().String()
	serveOn(t, l, b.routes())
	return b
}

func (b *beside) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /app/user", b.auth.Guard()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := passport.UserFromContext[*account.User](r.Context())
		fmt.Fprint(w, user.Email)
	})))
	mux.Handle("GET /app/orders", b.auth.Guard(guard.Scopes("check-status"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	mux.Handle("GET /app/service", b.auth.GuardClient()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	return mux
}
