package fetch_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
)

// resolver returns a resolver whose answers for every name are those of answer, which
// gets the number of the look-up, from 0. The second value counts the look-ups.
func resolver(t *testing.T, answer func(lookup int) []string) (*net.Resolver, *atomic.Int32) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	lookups := new(atomic.Int32)
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			server.WriteTo(reply(buf[:n], lookups, answer), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}, lookups
}

// reply returns the DNS message that answers a question (RFC 1035 §4.1).
func reply(query []byte, lookups *atomic.Int32, answer func(int) []string) []byte {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	kind := binary.BigEndian.Uint16(query[end+1:])
	question := query[12 : end+5]
	lookup := int(lookups.Load())
	if kind == 1 { // each look-up asks for A and for AAAA
		lookup = int(lookups.Add(1)) - 1
	}
	var records []byte
	count := uint16(0)
	for _, text := range answer(lookup) {
		at := netip.MustParseAddr(text)
		if (kind == 1) != at.Is4() || kind != 1 && kind != 28 {
			continue
		}
		count++
		records = append(records, 0xc0, 12)
		records = binary.BigEndian.AppendUint16(records, kind)
		records = append(records, 0, 1, 0, 0, 0, 0)
		records = binary.BigEndian.AppendUint16(records, uint16(len(at.AsSlice())))
		records = append(records, at.AsSlice()...)
	}
	m := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1}, 0, 0, 0, 0, 0, 0)
	binary.BigEndian.PutUint16(m[6:], count)
	return append(append(m, question...), records...)
}
