package passport

import (
	"encoding/json"
	"net/http"

	"github.com/go-passport/passport/oauth"
)

// metadata serves the description of the server (RFC 8414). It says what exists
// and nothing else.
func (s *Server) metadata(w http.ResponseWriter, _ *http.Request) {
	public(w, "application/json")
	_ = json.NewEncoder(w).Encode(s.parts.Metadata)
}

// jwks serves the public keys (RFC 7517 §5).
func (s *Server) jwks(w http.ResponseWriter, _ *http.Request) {
	public(w, "application/jwk-set+json")
	_, _ = w.Write(s.keys.JWKS())
}

// document serves something that is only read.
func document(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			writeJSON(w, http.StatusMethodNotAllowed, oauth.InvalidRequest.Errorf("this document is read with GET"))
			return
		}
		serve(w, r)
	}
}

// public marks an answer that anybody may read and keep for five minutes.
func public(w http.ResponseWriter, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Access-Control-Allow-Origin", "*")
}
