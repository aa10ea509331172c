// Command bench compares Passport to a ceiling: the smallest server with the same
// guarantees (see ceiling). It measures both in alternation, each as a separate
// process with its own database, and with the same load from a closed loop of
// connections. It prints tables in Markdown. Their ratios are the result.
//
//	go run .            SQLite, and PostgreSQL if PASSPORT_TEST_POSTGRES is set
//	go run . -short     a short run, to check that everything works
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport/bench/internal/server"
)

// options are the flags.
type options struct {
	short, embed     bool
	folder, database string
	only             *regexp.Regexp
	connections      []int
	lasting          time.Duration
	pairs            int
	profile          string
}

func readOptions() (o options, err error) {
	var only, connections string
	flag.BoolVar(&o.short, "short", false, "a short run; its figures mean nothing")
	flag.BoolVar(&o.embed, "embed", false, "for every path, measure an application that embeds Passport, not the passport command")
	flag.StringVar(&o.folder, "folder", os.TempDir(), "`folder` for SQLite's files: on a disk, not in memory")
	flag.StringVar(&o.database, "database", "", "only sqlite or postgres")
	flag.StringVar(&only, "only", "", "only paths whose name matches this `pattern`")
	flag.StringVar(&connections, "connections", "1,8,64", "numbers of connections")
	flag.DurationVar(&o.lasting, "lasting", 1500*time.Millisecond, "duration of each period of load")
	flag.IntVar(&o.pairs, "pairs", 4, "number of periods of load for each server: A B B A …")
	flag.StringVar(&o.profile, "profile", "", "write CPU profiles of both servers, at the highest number of connections, into this `folder`")
	flag.Parse()
	if o.short {
		o.lasting, o.pairs, connections = 50*time.Millisecond, 1, "2"
	}
	for n := range strings.SplitSeq(connections, ",") {
		number, err := strconv.Atoi(n)
		if err != nil || number < 1 || number > 1000 {
			return o, fmt.Errorf("-connections: %q is not a positive number", n)
		}
		o.connections = append(o.connections, number)
	}
	o.only, err = regexp.Compile(only)
	return o, err
}

func main() { server.Exit(run()) }

func run() error {
	o, err := readOptions()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	folder, err := os.MkdirTemp(o.folder, "passport-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	b, err := build(ctx, folder)
	if err != nil {
		return err
	}
	fmt.Println(machine(folder))
	for _, kind := range []string{"sqlite", "postgres"} {
		if o.database != "" && o.database != kind {
			continue
		}
		if kind == "postgres" && os.Getenv(postgresVariable) == "" {
			fmt.Printf("PostgreSQL is skipped: %s is not set.\n", postgresVariable)
			continue
		}
		if err := measure(ctx, o, b, kind); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

// binaries are the measured programs, in a folder.
type binaries struct{ folder, ceiling, embed, passport string }

// build builds the binaries. Its working directory is the module's folder.
func build(ctx context.Context, folder string) (b binaries, err error) {
	bin := filepath.Join(folder, "bin")
	b = binaries{folder, filepath.Join(bin, "ceiling"), filepath.Join(bin, "embed"), filepath.Join(bin, "passport")}
	for _, args := range [][]string{
		{"build", "-o", b.ceiling, "./ceiling"}, {"build", "-o", b.embed, "./embed"},
		{"-C", "..", "build", "-trimpath", "-ldflags=-s -w", "-o", b.passport, "./cmd/passport"},
	} {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if said, err := cmd.CombinedOutput(); err != nil {
			return b, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, said)
		}
	}
	return b, nil
}
