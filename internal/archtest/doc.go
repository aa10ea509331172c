// Package archtest holds the tests that keep the house in order: who may import
// whom, how long files and functions get, and what an application that embeds
// the library has to download for it. It is empty otherwise.
package archtest
