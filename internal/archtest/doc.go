// Package archtest has the tests of the architecture: which package may import
// which, the length of files and functions, and the dependencies of an
// application that embeds the library. It has no other code.
package archtest
