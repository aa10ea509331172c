// Package e2e drives the real binary from outside: with Chromium, and with
// clients that others wrote. It has an application too, that embeds the library
// and whose pages use axios. It is a module of its own, so that what it needs for
// that reaches nobody who imports the library.
//
//	(cd internal/e2e && npm ci --ignore-scripts)
//	go -C internal/e2e test ./...
//
// What begins with TestCluster runs several processes over one database: `make
// cluster`.
//
// Without Chromium, axios or openid-client the tests that need it are skipped, and so
// are those on PostgreSQL and MariaDB without PASSPORT_TEST_POSTGRES and
// PASSPORT_TEST_MYSQL; PASSPORT_TEST_REQUIRE=1 makes either a failure.
// PASSPORT_E2E_SHOTS names a folder for pictures of the pages.
package e2e
