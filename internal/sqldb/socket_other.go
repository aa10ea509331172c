//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package sqldb

import "syscall"

// nothingToRead is true: this system has no call that looks at a socket.
func nothingToRead(syscall.RawConn) bool { return true }
