// Command ceiling is the smallest server with the guarantees of a token endpoint.
// It parses the form, reads the required rows, compares the digest of the secret,
// signs one ES256 token, makes the durable write, and sends the same JSON. It
// reads client and token in one statement, and the user in another. Its guard
// caches verified signatures and reads the token's row, and so does UserInfo. For OpenID
// Connect it signs an ID token, too. Introspection also reads
// the row of the API. The guard of an API without a database caches both. A server's extra cost is the cost of its checks.
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
	records, err := newRecords(ctx, db, dialect)
	if err != nil {
		return err
	}
	signer, err := newSigner(o.Issuer, "users:"+o.User)
	if err != nil {
		return err
	}
	ids, err := newIDTokens(signer)
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
	mux.Handle("POST /oauth/token", &endpoint{records: records, signer: signer, ids: ids, writer: w})
	mux.Handle("POST /oauth/introspect", i)
	mux.Handle("GET /guarded", g)
	mux.Handle("GET /oauth/userinfo", userInfo{g})
	mux.Handle("GET /remote", &remote{reader: g, audience: o.Issuer})
	mux.Handle("GET /introspected", &remote{reader: g, audience: o.Issuer, ask: i, asked: map[[sha256.Size]byte]asked{}})
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	return o.Serve(mux)
}
