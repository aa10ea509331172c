package dburl_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/dburl"
)

// All ways to print a URL omit its password and its parameters.
func TestURL_FR_45_Prints(t *testing.T) {
	for written, want := range map[string]string{
		"postgres://me:canary@h:5432,g:1/db?password=canary": "postgres://me:xxxxx@h:5432,g:1/db",
		"POSTGRESQL://me:canary@h/db":                        "postgresql://me:xxxxx@h/db",
		"mysql://me:canary@[::1]:3307/db?tls=true":           "mysql://me:xxxxx@[::1]:3307/db",
		"postgres://me:can@ary@h/db":                         "postgres:…",
		"sqlite:/x.db?key=canary":                            "sqlite:/x.db?…",
		"sqlite://u:canary@h/x.db":                           "sqlite:…",
		"sqlite:a=b@c.db?key=canary@h":                       "sqlite:…",
		"sqlite:a b@1.db":                                    "sqlite:a b@1.db",
		"canary":                                             "…",
		"canary://me@h":                                      "…",
	} {
		u, _ := dburl.Read(written)
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "u", u)
		encoded, err := json.Marshal(u)
		if err != nil {
			t.Fatal(err)
		}
		all := fmt.Sprintf("%v %+v %#v %s %q %x %d %v %s %s", u, u, u, u, u, u, u, &u, &log, encoded)
		if u.String() != want || strings.Contains(all, "can") {
			t.Errorf("Read(%q).String() = %q, want %q; with all verbs: %s", written, u, want, all)
		}
	}
}

// A command line to copy has the parameters of a URL that hold no secret.
func TestURL_FR_45_Written(t *testing.T) {
	for written, want := range map[string]string{
		"mysql://me:canary@h/db?time_zone=%27%2B00%3A00%27":     "mysql://me:xxxxx@h/db?time_zone=%27%2B00%3A00%27",
		"mysql://me@h:3307/db?tls=true&max_execution_time=1":    "mysql://me@h:3307/db?tls=true&…",
		"postgres://me:canary@h/db?sslpassword=can&ary=canary":  "postgres://me:xxxxx@h/db?…&…",
		"postgres://me@h/db?sslkey=-----BEGIN-canary&sslmode=a": "postgres://me@h/db?…&sslmode=a",
		"postgres://me@h/db": "postgres://me@h/db",
		"sqlite:/x.db":       "sqlite:/x.db",
	} {
		u, err := dburl.Read(written)
		if got := u.Written(); err != nil || got != want || strings.Contains(got, "can") {
			t.Errorf("Read(%q).Written() = %q, %v, want %q", written, got, err, want)
		}
	}
}

// Hide keeps the chain of an error. It changes the text only if that contains a
// password.
func TestURL_FR_45_HideKeepsTheChain(t *testing.T) {
	u, err := dburl.Read("postgres://passport:ssword-zvkq@h/passport")
	if err != nil {
		t.Fatal(err)
	}
	plain := errors.New(`password authentication failed for user "passport"`)
	if got := u.Hide(plain); got != plain || u.Hide(nil) != nil {
		t.Errorf("Hide(%v) = %v, want the same error", plain, got)
	}
	for _, err := range []error{
		fmt.Errorf("dial ssword-zvkq: %w", context.Canceled),
		errors.Join(plain, fmt.Errorf("dial zvkq: %w", context.Canceled)),
	} {
		got := u.Hide(err)
		if strings.Contains(fmt.Sprintf("%v %+v %#v", got, got, got), "ssword-z") || !errors.Is(got, context.Canceled) {
			t.Errorf("Hide(%v) = %v, want it without the password and with the same chain", err, got)
		}
	}
}

// Two parsers of an accepted URL agree about its password, and its host is never a part
// of a password.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"u:p@h/d", "u:p@ssword@h/d", "u:p/w@h/d", "u:p?w@h/d", "u:p#w@h/d", "u:p%w@h/d", "u:p:w@h:1/d", "h:1,g:2/d?a=b&c", "[::1]:1/d", "u:p@/d?socket=/run/s", "@h", ":@", "%:%"} {
		f.Add("postgres", s)
		f.Add("mysql", s)
	}
	f.Fuzz(func(t *testing.T, scheme, rest string) {
		written := scheme + "://" + rest
		u, err := dburl.Read(written)
		if err != nil || u.Driver == "sqlite" {
			return
		}
		before, _, _ := strings.Cut(rest, "/")
		before, _, _ = strings.Cut(before, "?")
		parsed, err := url.Parse(strings.ToLower(scheme) + "://" + rest)
		if err != nil {
			t.Fatalf("Read(%q) = nil, but url.Parse returns %v", written, err)
		}
		userinfo, _, has := strings.Cut(before, "@")
		password, _ := parsed.User.Password()
		if _, first, _ := strings.Cut(userinfo, ":"); has {
			if decoded, err := url.PathUnescape(first); err != nil || decoded != password {
				t.Errorf("Read(%q): one parser finds the password %q, another %q", written, decoded, password)
			}
		}
		if strings.Contains(parsed.Host, "@") {
			t.Errorf("Read(%q): the host %q may be the end of a password", written, parsed.Host)
		}
	})
}
