// Package grant has the built-in grant types of OAuth 2.0, one per file. Each
// grant decides from a checked request what the server may issue. It never
// writes and never sees the connection. An application adds a custom grant in
// the same way, by implementing [oauth.Grant].
package grant
