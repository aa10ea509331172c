package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A caller returns the requests of one connection, each after the response to the
// previous one. It returns no bytes when it has no more requests.
type caller func(response []byte) []byte

// outcome is the result of one period of load.
type outcome struct {
	requests int
	took     time.Duration
	cpu      time.Duration // of the server
	waits    []time.Duration
}

func (o outcome) perSecond() float64 { return float64(o.requests) / o.took.Seconds() }
func (o outcome) cpuEach() float64 {
	return float64(o.cpu.Microseconds()) / 1000 / float64(max(1, o.requests))
}

// percentile returns the maximum time of the fastest p percent of the responses.
func (o outcome) percentile(p float64) time.Duration {
	if len(o.waits) == 0 {
		return 0
	}
	slices.Sort(o.waits)
	return o.waits[min(len(o.waits)-1, int(p/100*float64(len(o.waits))))]
}

// join returns the sum of two periods.
func (o outcome) join(other outcome) outcome {
	return outcome{o.requests + other.requests, o.took + other.took, o.cpu + other.cpu, append(slices.Clone(o.waits), other.waits...)}
}

// drive loads a server in a closed loop, over one persistent connection for each
// caller. It writes requests and reads responses itself: net/http's client costs
// more than some of the servers.
func drive(address string, callers []caller, lasting time.Duration) (total outcome, err error) {
	conns := make([]net.Conn, len(callers))
	for i := range conns {
		if conns[i], err = net.Dial("tcp", address); err != nil {
			return total, fmt.Errorf("connect: %w", err)
		}
		defer conns[i].Close()
	}
	outcomes, errs := make([]outcome, len(callers)), make([]error, len(callers))
	var all sync.WaitGroup
	begin := time.Now()
	for i, next := range callers {
		all.Go(func() { outcomes[i], errs[i] = converse(conns[i], next, begin.Add(lasting)) })
	}
	all.Wait()
	total.took = time.Since(begin)
	for _, o := range outcomes {
		total.requests += o.requests
		total.waits = append(total.waits, o.waits...)
	}
	return total, errors.Join(errs...)
}

// stuck is the maximum time of a response.
const stuck = 20 * time.Second

func converse(conn net.Conn, next caller, until time.Time) (o outcome, err error) {
	if err := conn.SetDeadline(until.Add(stuck)); err != nil {
		return o, err
	}
	r := bufio.NewReaderSize(conn, 16<<10)
	var response []byte
	for now := time.Now(); now.Before(until); {
		request := next(response)
		if request == nil {
			return o, nil
		}
		if _, err := conn.Write(request); err != nil {
			return o, fmt.Errorf("send: %w", err)
		}
		if response, err = readResponse(r, response); err != nil {
			return o, err
		}
		after := time.Now()
		o.waits = append(o.waits, after.Sub(now))
		o.requests++
		now = after
	}
	next(response) // the caller may need the last response
	return o, nil
}

// readResponse reads a response with a Content-Length, and returns the body of a
// 200.
func readResponse(r *bufio.Reader, into []byte) ([]byte, error) {
	status, length := "", -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("read response: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		switch name, value, header := strings.Cut(string(line), ": "); {
		case status == "":
			status = string(line)
		case len(line) == 0 && length < 0:
			return nil, errors.New("a response has no Content-Length")
		case len(line) == 0:
			into = slices.Grow(into[:0], length)[:length]
			if _, err := io.ReadFull(r, into); err != nil {
				return nil, fmt.Errorf("read response: %w", err)
			}
			if !strings.HasPrefix(status, "HTTP/1.1 200 ") {
				return nil, fmt.Errorf("response %s: %s", status, into)
			}
			return into, nil
		case header && strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.Atoi(value); err != nil {
				return nil, fmt.Errorf("read Content-Length: %w", err)
			}
		}
	}
}
