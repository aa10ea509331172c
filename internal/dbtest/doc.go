// Package dbtest opens databases for the tests of this module, and contains the tests
// that need one. They are not next to the code that they test, because `go mod tidy` of
// an application reads the tests of the packages that it imports. It would add the
// drivers to the application's go.sum.
//
// [Open] returns a new, empty database for each test, so that packages can run in
// parallel. SQLite is always available. The other two are the servers in
// PASSPORT_TEST_POSTGRES and PASSPORT_TEST_MYSQL, which scripts/databases starts.
// [Count] counts statements, for tests with a statement budget.
package dbtest
