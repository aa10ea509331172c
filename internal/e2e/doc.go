// Package e2e tests the real binary from outside, with Chromium and with
// third-party clients. It also has an application that embeds the library and
// whose pages use axios. It is a separate module, so that applications that
// import the library do not get its dependencies.
//
//	(cd internal/e2e && npm ci --ignore-scripts)
//	go -C internal/e2e test ./...
//
// Tests whose names begin with TestCluster run several processes over one
// database: `make cluster`.
//
// Tests whose names begin with TestClients or TestFurther run OpenID Connect clients that
// others wrote: `make clients`. CI leaves out TestFurther.
//
// Without Chromium, axios or openid-client, the tests that need them are skipped.
// So are tests on PostgreSQL and MariaDB without PASSPORT_TEST_POSTGRES and
// PASSPORT_TEST_MYSQL. With PASSPORT_TEST_REQUIRE=1 they fail instead.
// PASSPORT_E2E_SHOTS names a folder for screenshots of the pages.
// PASSPORT_SCREENSHOTS names one for the screenshots of the documentation: `make
// screenshots`.
package e2e
