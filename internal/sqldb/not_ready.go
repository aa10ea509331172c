package sqldb

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"syscall"
)

// NotReady reports whether an error says that a server may soon accept connections:
// it starts or stops, it has too many connections, or nothing answers at its address
// yet. It is false for errors that time does not mend: a wrong password, an unknown
// database, a TLS fault. If an error has several causes, because a URL names several
// servers, none may be of that kind.
func NotReady(err error) bool {
	mends := false
	lasts := walk(err, func(err error) bool {
		does, never := timeMends(err)
		mends = mends || does
		return never
	})
	return mends && !lasts
}

// timeMends looks at one error of a chain: whether time mends it, or certainly does
// not. Most errors say neither.
func timeMends(err error) (does, never bool) {
	if c, ok := ofDriver(err); ok {
		does = c == severed || crowded(err)
		return does, !does
	}
	switch e := err.(type) { //nolint:errorlint // walk visits the chain
	case tls.RecordHeaderError, *tls.CertificateVerificationError,
		x509.UnknownAuthorityError, x509.HostnameError, x509.CertificateInvalidError,
		*net.AddrError, *net.ParseError, net.UnknownNetworkError:
		return false, true
	case syscall.Errno:
		return false, e == syscall.EACCES || e == syscall.EPERM // a socket of another user
	case *net.OpError:
		fromTLS := e.Op == "remote error" || e.Op == "local error"
		return !fromTLS, fromTLS
	case net.Error:
		return true, false
	}
	switch err { //nolint:errorlint // as above
	case io.EOF, io.ErrUnexpectedEOF, driver.ErrBadConn, context.DeadlineExceeded:
		return true, false
	}
	return err.Error() == "invalid connection", false // go-sql-driver/mysql
}

// crowded reports whether a server has too many connections, or is outside of its
// cluster.
func crowded(err error) bool {
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return e.SQLState() == "53300"
	}
	switch n, _ := number(err); n {
	case 1040, 1203, 1047:
		return true
	}
	return false
}
