package endpoint

import (
	"encoding/json"
	"net/http"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/wire"
)

// Metadata returns the endpoint for the server's metadata (RFC 8414), to which each
// feature adds its fields.
func Metadata(m feature.Metadata, log wire.Log) http.Handler {
	text, _ := json.Marshal(m) // strings, lists of strings and booleans
	text = append(text, '\n')
	return wire.Document("application/json", func() []byte { return text }, log)
}

// JWKS returns the endpoint of the public keys (RFC 7517 §5).
func JWKS(keys *keyring.Live, log wire.Log) http.Handler {
	return wire.Document("application/jwk-set+json", keys.JWKS, log)
}
