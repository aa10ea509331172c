package endpoint

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/wire"
)

// Metadata returns the endpoint for the server's metadata (RFC 8414, OpenID Connect
// Discovery §3), to which each feature adds its fields. ids is nil if the server isn't an
// OpenID provider.
func Metadata(m feature.Metadata, ids *idtoken.Service, log wire.Log) http.Handler {
	text := encoded(m)
	return wire.Document("application/json", func() []byte {
		if ids == nil {
			return text
		}
		now := maps.Clone(m) // the keys may change
		now["id_token_signing_alg_values_supported"] = ids.Keys.Algorithms()
		now["claims_supported"] = ids.Supported()
		return encoded(now)
	}, log)
}

func encoded(m feature.Metadata) []byte {
	text, _ := json.Marshal(m) // strings, lists of strings and booleans
	return append(text, '\n')
}

// JWKS returns the endpoint of the public keys (RFC 7517 §5).
func JWKS(keys *keyring.Live, log wire.Log) http.Handler {
	return wire.Document("application/jwk-set+json", keys.JWKS, log)
}
