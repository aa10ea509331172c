package sqldb

import (
	"database/sql"
	"net"
	"reflect"
	"sync"
	"syscall"
)

// quiet reports whether a connection is usable: its server neither closed it nor sent a
// message. It costs no round trip. It is also true if the driver does not give access
// to the socket.
func (p *pool) quiet(conn *sql.Conn) (is bool) {
	_ = conn.Raw(func(c any) error {
		s := p.sockets.of(c)
		is = s == nil || nothingToRead(s)
		return nil
	})
	return is
}

// sockets caches the sockets of connections, because reflection is slower than checking
// a socket. It also caches that a connection has none.
type sockets struct {
	mu    sync.Mutex
	known map[any]syscall.RawConn
}

// maxSockets limits the cache, which also holds connections that were closed.
const maxSockets = 128

func (s *sockets) of(c any) syscall.RawConn {
	if reflect.TypeOf(c).Kind() != reflect.Pointer {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, there := s.known[c]
	if there {
		return raw
	}
	if s.known == nil || len(s.known) == maxSockets {
		s.known = map[any]syscall.RawConn{}
	}
	raw = socketOf(c)
	s.known[c] = raw
	return raw
}

// socketOf returns the socket of a pgx connection, or nil. It recognizes pgx by its
// methods, so that an application's go.mod does not need it.
func socketOf(c any) syscall.RawConn {
	m := reflect.ValueOf(c).MethodByName("Conn")
	if !getter(m) {
		return nil
	}
	if m = m.Call(nil)[0].MethodByName("PgConn"); !getter(m) {
		return nil
	}
	if m = m.Call(nil)[0].MethodByName("Conn"); !getter(m) {
		return nil
	}
	found := m.Call(nil)[0].Interface()
	if t, ok := found.(interface{ NetConn() net.Conn }); ok { // TLS
		found = t.NetConn()
	}
	s, ok := found.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

func getter(m reflect.Value) bool {
	if !m.IsValid() || m.Type().NumIn() != 0 || m.Type().NumOut() != 1 {
		return false
	}
	kind := m.Type().Out(0).Kind()
	return kind == reflect.Pointer || kind == reflect.Interface
}
