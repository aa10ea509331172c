// Package testkit is the test harness for tests that need a server: a server
// over memstore, users, clients of every kind, browsers and their requests. Its
// helpers take the test and fail it.
package testkit
