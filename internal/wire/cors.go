package wire

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/origin"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/oauth"
)

// exposed are the response headers that a page may read in addition to the headers that
// every page may.
const exposed = "Retry-After, WWW-Authenticate, X-Request-Id"

// Preflight allows a browser to send a client's request from any origin, because
// the client is not known yet. Only that client's origins may read the response:
// see [AllowOrigin].
func Preflight(w http.ResponseWriter, r *http.Request) {
	from := r.Header.Get("Origin")
	w.Header().Add("Vary", "Origin")
	if from == "" || from == "null" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	preflight(w, r, from, "POST")
}

// OpenPreflight allows a browser to send the methods from any origin, for a response that
// every page may read: see [AllowAnyOrigin].
func OpenPreflight(w http.ResponseWriter, r *http.Request, methods string) {
	preflight(w, r, "*", methods)
}

func preflight(w http.ResponseWriter, r *http.Request, from, methods string) {
	h := w.Header()
	h.Add("Vary", "Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Origin", from)
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", strings.Join(allowedHeaders(r), ", "))
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// The bounds of the list of headers that a preflight requests, in bytes and names.
const (
	maxAskedBytes = 2 << 10
	maxAskedNames = 40
)

// allowedHeaders returns the headers that a page may send: the headers that the endpoints
// read, and the ones that the page requests, such as traceparent of a tracing
// library or MCP-Protocol-Version. The endpoints ignore them. The list is bounded,
// and has only names of headers.
func allowedHeaders(r *http.Request) []string {
	names := []string{"Authorization", "Content-Type"}
	asked := strings.Join(r.Header.Values("Access-Control-Request-Headers"), ",")
	for name := range strings.SplitSeq(asked[:min(len(asked), maxAskedBytes)], ",") {
		name = strings.TrimSpace(name)
		known := slices.ContainsFunc(names, func(other string) bool { return strings.EqualFold(name, other) })
		if !known && len(names) < maxAskedNames && isToken(name) {
			names = append(names, name)
		}
	}
	return names
}

// isToken reports whether a text is a token, as the name of a header is (RFC 9110
// §5.6.2). The name * would allow any header.
func isToken(text string) bool {
	const punctuation = "!#$%&'+-.^_`|~"
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(punctuation, c))
	})
}

// AllowAnyOrigin lets every page read the response.
func AllowAnyOrigin(w http.ResponseWriter) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", exposed)
}

// AllowOrigin lets a page read the response if the operator allows its origin, for the
// server or for the client, or if one of the client's redirect URIs has it. allowed
// are the server's origins. client may be nil.
func AllowOrigin(w http.ResponseWriter, r *http.Request, client *oauth.Client, allowed []string) {
	w.Header().Add("Vary", "Origin")
	from := r.Header.Get("Origin")
	if from == "" || !slices.Contains(allowed, from) && !ownOrigin(client, from) {
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", from)
	w.Header().Set("Access-Control-Expose-Headers", exposed)
}

// ownOrigin reports whether an origin is one of the client's. For a public client,
// the port of a loopback origin is free, as in its redirect URI.
func ownOrigin(client *oauth.Client, from string) bool {
	if client == nil {
		return false
	}
	if slices.Contains(client.AllowedOrigins, from) {
		return true
	}
	var own []string
	for _, uri := range client.RedirectURIs {
		if o := origin.Of(uri); o != "" {
			own = append(own, o)
		}
	}
	return slices.Contains(own, from) || client.Public() && redirect.Match(own, true, from) != redirect.None
}
