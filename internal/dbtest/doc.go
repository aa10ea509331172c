// Package dbtest opens databases for the tests of this module, and holds the
// tests that need one. They lie here and not beside what they test, because
// `go mod tidy` of an application reads the tests of the packages it imports,
// and would put the drivers into the application's go.sum.
//
// [Open] returns an empty database of its own to each test, so that packages
// can run side by side. SQLite is always there; the other two are the servers
// that PASSPORT_TEST_POSTGRES and PASSPORT_TEST_MYSQL name, and scripts/databases
// starts them. [Count] counts statements, for the budgets that the tests set.
package dbtest
