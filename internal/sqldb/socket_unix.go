//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package sqldb

import (
	"errors"
	"syscall"
)

// nothingToRead reports whether a socket is open and has received nothing.
//
// It must not use RawConn.Read, which waits for other readers: after a slow write,
// pgx has a goroutine that reads until the next response.
func nothingToRead(s syscall.RawConn) (yes bool) {
	err := s.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK) // Go's sockets do not block
		yes = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && yes
}
