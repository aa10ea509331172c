package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a running server.
type process struct {
	cmd     *exec.Cmd
	address string
	log     string
	startup time.Duration // until it was ready
}

// start runs a server, and returns when it is ready.
func start(name, folder string, args []string, env ...string) (*process, error) {
	p := &process{address: listenOf(args), log: filepath.Join(folder, "log")}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(name, args...)
	p.cmd.Dir, p.cmd.Stderr, p.cmd.Stdout = folder, log, log
	p.cmd.Env = append(os.Environ(), env...)
	if os.Getenv("GOGC") == "" {
		// The passport command sets the same for itself. The ratios should compare the
		// code, not the amount of garbage that each server keeps.
		p.cmd.Env = append(p.cmd.Env, "GOGC=400")
	}
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	for time.Since(begin) < stuck {
		if p.ready() {
			p.startup = time.Since(begin)
			return p, nil
		}
		time.Sleep(500 * time.Microsecond)
	}
	p.stop()
	said, _ := os.ReadFile(p.log)
	return nil, fmt.Errorf("%s is not ready; it wrote:\n%s", name, said[max(0, len(said)-2000):])
}

func (p *process) ready() bool {
	if conn, err := net.Dial("tcp", p.address); err != nil {
		return false
	} else if err := conn.Close(); err != nil {
		return false
	}
	res, err := http.Get("http://" + p.address + "/livez")
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return err == nil && res.StatusCode == http.StatusOK
}

// stop ends the server and waits for its exit.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	killer := time.AfterFunc(stuck, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait() // the signal ends it
	killer.Stop()
}

// ticks is the number of ticks per second in /proc/PID/stat on Linux.
const ticks = 100

// cpu returns the server's CPU time, in user and system mode.
func (p *process) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(p.file("stat"))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from the third field
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("%s cannot be read", p.file("stat"))
	}
	return time.Duration(user+system) * time.Second / ticks, nil
}

// memory returns the server's current and maximum memory, in MB.
func (p *process) memory() (now, most float64, err error) {
	status, err := os.ReadFile(p.file("status"))
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[2] != "kB" {
			continue
		}
		kb, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			now = kb / 1024
		case "VmHWM:":
			most = kb / 1024
		}
	}
	return now, most, err
}

func (p *process) file(name string) string {
	return filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), name)
}

// listenOf returns the value of the flag -listen.
func listenOf(args []string) string {
	for i, arg := range args {
		if strings.TrimLeft(arg, "-") == "listen" {
			return args[i+1]
		}
	}
	return ""
}

// freeAddress returns a free loopback address.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
