// Command ceiling is the smallest server that keeps the promise of a token
// endpoint: it parses the form, compares the digest of the secret, signs one ES256
// token, makes the durable write, and answers the same JSON. It checks nothing
// else and reads nothing. Its guard remembers signatures and reads the token's
// row; introspection reads the row of the API too. What a server costs beyond it is what its checks cost.
package main

import (
	"context"
	"crypto/sha256"
	"net/http"

	"github.com/go-passport/passport/bench/internal/server"
)

func main() { server.Exit(run()) }

func run() error {
	o := server.Flags()
	db, dialect, err := o.Open()
	if err != nil {
		return err
	}
	defer db.Close()
	ctx := context.Background()
	secrets, err := digests(ctx, db)
	if err != nil {
		return err
	}
	signer, err := newSigner(o.Issuer, "users:"+o.User)
	if err != nil {
		return err
	}
	w, err := newWriter(ctx, db, dialect, o.User)
	if err != nil {
		return err
	}
	g, err := newReader(ctx, db, dialect)
	if err != nil {
		return err
	}
	g.signer, g.seen = signer, map[[sha256.Size]byte]claims{}
	i, err := newIntrospection(ctx, db, dialect, g)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /oauth/token", &endpoint{secrets: secrets, signer: signer, writer: w})
	mux.Handle("POST /oauth/introspect", i)
	mux.Handle("GET /guarded", g)
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	return o.Serve(mux)
}
