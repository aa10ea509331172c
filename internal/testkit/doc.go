// Package testkit is the harness for tests that need a server. It has a server with a
// memstore, users, clients of every kind, and browsers with their requests. Its helpers
// take a test and fail it.
package testkit
