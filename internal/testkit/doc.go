// Package testkit is the harness of all tests that need a server: a server over
// memstore with users, clients of every kind, browsers and the requests that they
// send. Its helpers take the test and fail it.
package testkit
