//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package sqldb

import "syscall"

// nothingToRead is always true: this system can't peek at a socket.
func nothingToRead(syscall.RawConn) bool { return true }
