// Package docstest holds the documentation to the code: what it shows of Go is
// compiled, what it links to is there, and what the code can say to a client is
// explained.
package docstest
