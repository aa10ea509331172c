package endpoint

import (
	"encoding/json"
	"net/http"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// Metadata returns the endpoint for the server's metadata (RFC 8414), to which each
// feature adds its fields.
func Metadata(m feature.Metadata, log wire.Log) http.Handler {
	text, _ := json.Marshal(m) // strings, lists of strings and booleans
	text = append(text, '\n')
	return document("application/json", func() []byte { return text }, log)
}

// JWKS returns the endpoint of the public keys (RFC 7517 §5).
func JWKS(keys *keyring.Live, log wire.Log) http.Handler {
	return document("application/jwk-set+json", keys.JWKS, log)
}

// document serves a text that every origin may read and cache for five minutes.
func document(contentType string, text func() []byte, log wire.Log) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			wire.OpenPreflight(w, r)
			return
		}
		wire.AllowAnyOrigin(w)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			log.WrongMethod(w, r, "GET, HEAD", oauth.InvalidRequest.Errorf("this document accepts only GET"))
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(text())
	})
}
