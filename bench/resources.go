package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"
)

// resources are the passport command's MB of memory and of disk.
type resources struct {
	rest, load, size float64
	startup          time.Duration
}

// starts is how many times the start is measured.
const starts = 5

// atRest starts the passport command several times on its migrated database, and
// measures it without requests.
func atRest(b binaries, s *subject) (r resources, err error) {
	var took []time.Duration
	for range starts {
		s.process.stop()
		if s.process, err = start(s.program, s.folder, s.args, s.env...); err != nil {
			return r, err
		}
		took = append(took, s.process.startup)
	}
	slices.Sort(took)
	r.startup = took[starts/2]
	if err := warmUp(s.process.address); err != nil {
		return r, err
	}
	time.Sleep(time.Second)
	info, err := os.Stat(b.passport)
	if err != nil {
		return r, err
	}
	r.size = float64(info.Size()) / 1e6
	r.rest, _, err = s.process.memory()
	return r, err
}

// warmUp requests the metadata, because a server loads some parts with the first
// request.
func warmUp(address string) error {
	res, err := http.Get("http://" + address + "/.well-known/oauth-authorization-server")
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET metadata = %s", res.Status)
	}
	return nil
}

// peak returns the server's maximum memory. It joins its error with before.
func (s *subject) peak(before error) (float64, error) {
	_, most, err := s.process.memory()
	return most, errors.Join(before, err)
}
