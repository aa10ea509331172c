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

// NotReady reports whether an error is temporary: the server starts or stops, has too
// many connections, or does not listen at its address yet. It is false for permanent
// errors: a wrong password, an unknown database, a TLS fault. If an error has several
// causes, because a URL names several servers, one permanent cause makes it false.
func NotReady(err error) bool {
	temporary := false
	permanent := walk(err, func(err error) bool {
		passes, lasts := permanence(err)
		temporary = temporary || passes
		return lasts
	})
	return temporary && !permanent
}

// permanence reports whether one error of a chain is temporary or permanent. Most
// errors are neither.
func permanence(err error) (temporary, permanent bool) {
	if c, ok := ofDriver(err); ok {
		temporary = c == severed || overloaded(err)
		return temporary, !temporary
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

// overloaded reports whether a server has too many connections, or is a Galera node
// outside its cluster.
func overloaded(err error) bool {
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
