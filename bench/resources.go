package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"
)

// resources are what the passport command takes beside time for requests: MB of
// memory and of disk.
type resources struct {
	rest, load, size float64
	startup          time.Duration
}

// starts is how often the start is measured.
const starts = 5

// atRest starts the passport command anew on its migrated database some times,
// and looks at it while nothing happens.
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
	if err := glance(s.process.address); err != nil {
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

// glance asks for the metadata: a server that nobody has asked anything is not
// all there.
func glance(address string) error {
	res, err := http.Get("http://" + address + "/.well-known/oauth-authorization-server")
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the metadata are answered with %s", res.Status)
	}
	return nil
}

// peak adds the most memory that the server ever had to what went wrong before.
func (s *subject) peak(before error) (float64, error) {
	_, most, err := s.process.memory()
	return most, errors.Join(before, err)
}
