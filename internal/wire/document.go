package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Document returns a handler for a text that every origin may read and cache for
// five minutes. After that, a cache asks by the ETag whether the text has changed.
func Document(contentType string, text func() []byte, log Log) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			OpenPreflight(w, r, "GET, HEAD")
			return
		}
		AllowAnyOrigin(w)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			log.WrongMethod(w, r, "GET, HEAD", oauth.InvalidRequest.Errorf("this document accepts only GET"))
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "public, max-age=300")
		content := text()
		sum := sha256.Sum256(content)
		h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content)) // 304 for If-None-Match
	})
}
