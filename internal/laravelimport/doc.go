// Package laravelimport reads the tables of a Laravel Passport installation (versions 9
// to 13) and imports what is in them into a store of this module: clients, tokens, codes
// and consents.
//
// All reads happen in one read transaction, so the import is a snapshot even while
// Laravel issues tokens. Rows are read by pages of their primary key. A repeated import
// brings the target up to date: it adds new rows and ends those that Laravel revoked.
package laravelimport
