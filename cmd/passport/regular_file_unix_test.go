//go:build unix

package main_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Commands read regular files only. Opening a named pipe would block forever, even when
// the server is told to stop.
func TestFiles_MustBeRegular(t *testing.T) {
	places := []struct {
		name string
		file string
		env  []string
		args []string
	}{
		{"the private key", "storage/oauth-private.key", nil, []string{"serve", "--listen", "127.0.0.1:0"}},
		{"a further private key", "storage/oauth-private-old.key", nil, []string{"serve", "--listen", "127.0.0.1:0"}},
		{"the public key", "storage/oauth-public.key", nil, []string{"serve", "--listen", "127.0.0.1:0"}},
		{"the private key at rotation", "storage/oauth-private.key", nil, []string{"keys", "rotate"}},
		{"the default settings", "passport.toml", nil, []string{"serve", "--listen", "127.0.0.1:0"}},
		{"named settings", "my.toml", nil, []string{"client", "list", "--config", "my.toml"}},
		{"settings of the environment", "my.toml", []string{"PASSPORT_CONFIG=my.toml"}, []string{"migrate"}},
		{"a page", "pages/consent.html", []string{"PASSPORT_VIEWS=pages"}, []string{"serve", "--listen", "127.0.0.1:0"}},
		{"the layout", "pages/layout.html", []string{"PASSPORT_VIEWS=pages"}, []string{"serve", "--listen", "127.0.0.1:0"}},
		{"the style sheet", "pages/style.css", []string{"PASSPORT_VIEWS=pages"}, []string{"serve", "--listen", "127.0.0.1:0"}},
		{"a page that is checked", "pages/consent.html", nil, []string{"views", "--check", "pages"}},
	}
	kinds := map[string]func(name string) error{
		"a named pipe": func(name string) error { return syscall.Mkfifo(name, 0o600) },
		"a folder":     func(name string) error { return os.Mkdir(name, 0o700) },
		"a device":     func(name string) error { return os.Symlink("/dev/zero", name) },
		"a socket": func(name string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name})
			if err == nil {
				l.SetUnlinkOnClose(false)
				err = l.Close()
			}
			return err
		},
	}
	for _, place := range places {
		for kind, create := range kinds {
			t.Run(place.name+" is "+kind, func(t *testing.T) {
				t.Chdir(t.TempDir())
				command(t, "", "keys")
				if err := os.MkdirAll(filepath.Dir(place.file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Remove(place.file); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				if err := create(place.file); err != nil {
					t.Fatal(err)
				}
				status, said := within(t, place.env, place.args...)
				if status != 1 || !strings.Contains(said, filepath.Base(place.file)+" is not a regular file but "+kind) {
					t.Errorf("%v ended with %d and printed\n%s\nwant 1 and that %s is %s", place.args, status, said, place.file, kind)
				}
			})
		}
	}
}

// within runs a command that must end by itself in a few seconds.
func within(t *testing.T, env []string, args ...string) (status int, printed string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var out bytes.Buffer
	ended := make(chan int, 1)
	go func() { ended <- passport(ctx, strings.NewReader(""), &out, &out, env, args...) }()
	select {
	case status := <-ended:
		return status, out.String()
	case <-time.After(15 * time.Second):
		t.Fatalf("%v doesn't end, and ignores its context", args)
		return 0, ""
	}
}

// In `passport --config <(…)` the shell passes a pipe. Commands may read their settings
// twice.
func TestFiles_SettingsFromAPipe(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "keys")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("keys_dir = \"storage\"\naccess_token_ttl = \"oops\"\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := "/dev/fd/" + strconv.FormatUint(uint64(r.Fd()), 10)
	if status, said := within(t, nil, "keys", "rotate", "--config", name); status != 1 || !strings.Contains(said, "access_token_ttl: want a duration") {
		t.Errorf("keys rotate --config %s ended with %d and printed\n%s\nwant the fault in the piped settings", name, status, said)
	}
	if status, said := within(t, nil, "migrate", "--config", os.DevNull); status != 0 {
		t.Errorf("migrate --config %s ended with %d and printed\n%s\nwant 0: it is empty", os.DevNull, status, said)
	}
}
