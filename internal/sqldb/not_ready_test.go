package sqldb_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/go-passport/passport/internal/sqldb"
)

func dial(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

func TestNotReady_FR_51(t *testing.T) {
	refused := dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	for _, test := range []struct {
		name string
		err  error
		want bool
	}{
		{"starting up", fmt.Errorf("server error: %w", postgresError("57P03")), true},
		{"shutting down", postgresError("57P01"), true},
		{"too many connections", postgresError("53300"), true},
		{"pgbouncer cannot reach the server", postgresError("08P01"), true},
		{"MySQL has too many connections", &mysqlError{Number: 1040}, true},
		{"MySQL shuts down", &mysqlError{Number: 1053}, true},
		{"Galera's node is not ready", &mysqlError{Number: 1047}, true},
		{"refused", fmt.Errorf("dial error: %w", refused), true},
		{"no route", dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), true},
		{"no such socket", dial(os.NewSyscallError("connect", syscall.ENOENT)), true},
		{"no such name", dial(&net.DNSError{Err: "no such host", Name: "db", IsNotFound: true}), true},
		{"no reply", context.DeadlineExceeded, true},
		{"proxy without a server", io.ErrUnexpectedEOF, true},
		{"the same from MySQL's driver", errors.New("invalid connection"), true},
		{"bad connection", driver.ErrBadConn, true},
		{"two servers", errors.Join(refused, postgresError("57P03")), true},

		{"wrong password", postgresError("28P01"), false},
		{"no such user", postgresError("28000"), false},
		{"no such database", postgresError("3D000"), false},
		{"MySQL's wrong password", &mysqlError{Number: 1045}, false},
		{"MySQL's no such database", &mysqlError{Number: 1049}, false},
		{"MySQL refuses this host", &mysqlError{Number: 1130}, false},
		{"two servers, one with a wrong password", errors.Join(refused, postgresError("28P01")), false},
		{"unknown authority", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, false},
		{"wrong host name", fmt.Errorf("tls: %w", x509.HostnameError{Host: "db", Certificate: new(x509.Certificate)}), false},
		{"TLS alert", &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, false},
		{"no TLS on the port", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, false},
		{"no TLS on the server", errors.New("server refused TLS connection"), false},
		{"socket of another user", dial(os.NewSyscallError("connect", syscall.EACCES)), false},
		{"no port", dial(&net.AddrError{Err: "missing port in address", Addr: "db"}), false},
		{"SQLite cannot open the file", sqliteError(14), false},
		{"stopped", context.Canceled, false},
		{"no error", nil, false},
	} {
		if got := sqldb.NotReady(test.err); got != test.want {
			t.Errorf("NotReady(%s: %v) = %v, want %v", test.name, test.err, got, test.want)
		}
	}
}
