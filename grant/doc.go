// Package grant holds the grant types of OAuth 2.0 that are built in, one file
// each. Each decides from a checked request what may be issued; it never writes
// and never sees the connection. An application adds its own in the same way, by
// implementing [oauth.Grant].
package grant
