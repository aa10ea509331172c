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

// A caller gives the requests of one connection, each after the answer to the one
// before; no bytes when it has none left.
type caller func(answered []byte) []byte

// outcome is what one stretch of load gave.
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

// percentile is the time that so many of a hundred answers took at most.
func (o outcome) percentile(p float64) time.Duration {
	if len(o.waits) == 0 {
		return 0
	}
	slices.Sort(o.waits)
	return o.waits[min(len(o.waits)-1, int(p/100*float64(len(o.waits))))]
}

// join adds up two stretches.
func (o outcome) join(other outcome) outcome {
	return outcome{o.requests + other.requests, o.took + other.took, o.cpu + other.cpu, append(slices.Clone(o.waits), other.waits...)}
}

// drive loads a server in a closed loop, over as many kept connections as there
// are callers. It writes requests and reads answers itself: net/http's client
// costs more than some of the servers.
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

// stuck is how long an answer may take.
const stuck = 20 * time.Second

func converse(conn net.Conn, next caller, until time.Time) (o outcome, err error) {
	if err := conn.SetDeadline(until.Add(stuck)); err != nil {
		return o, err
	}
	r := bufio.NewReaderSize(conn, 16<<10)
	var answered []byte
	for now := time.Now(); now.Before(until); {
		request := next(answered)
		if request == nil {
			return o, nil
		}
		if _, err := conn.Write(request); err != nil {
			return o, fmt.Errorf("send: %w", err)
		}
		if answered, err = readAnswer(r, answered); err != nil {
			return o, err
		}
		after := time.Now()
		o.waits = append(o.waits, after.Sub(now))
		o.requests++
		now = after
	}
	next(answered) // what the last answer brought is not lost
	return o, nil
}

// readAnswer reads an answer with a length, and returns the body of a 200.
func readAnswer(r *bufio.Reader, into []byte) ([]byte, error) {
	status, length := "", -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("read an answer: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		switch name, value, header := strings.Cut(string(line), ": "); {
		case status == "":
			status = string(line)
		case len(line) == 0 && length < 0:
			return nil, errors.New("an answer has no Content-Length")
		case len(line) == 0:
			into = slices.Grow(into[:0], length)[:length]
			if _, err := io.ReadFull(r, into); err != nil {
				return nil, fmt.Errorf("read an answer: %w", err)
			}
			if !strings.HasPrefix(status, "HTTP/1.1 200 ") {
				return nil, fmt.Errorf("answered %s: %s", status, into)
			}
			return into, nil
		case header && strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.Atoi(value); err != nil {
				return nil, fmt.Errorf("read Content-Length: %w", err)
			}
		}
	}
}
