package keyring_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// keyFolder creates a folder with the keys of a new installation.
func keyFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := passport.WriteKeys(dir, "", 0, false); err != nil {
		t.Fatal(err)
	}
	return dir
}

func loadKeys(t *testing.T, dir string) *passport.Keys {
	t.Helper()
	keys, err := passport.LoadKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// A rotation publishes the new key before its first use, and removes the old key after
// the longest lifetime. So every token and sealed value stays valid at every node, and
// no node restarts.
func TestRotateKeys_JK_02_NothingBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := keyFolder(t)
		first := testkit.NewServer(t, func(c *passport.Config) {
			c.Keys, c.MaxFamiliesPerClient = loadKeys(t, dir), -1 // the test needs more than 50 connections
		})
		second := first.Restart(func(c *passport.Config) { c.Keys = loadKeys(t, dir) })
		go first.Run(t.Context())
		go second.Run(t.Context())
		c := first.Web()
		old := first.Kids()
		longest, err := first.LongestLife(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done, err := passport.RotateKeyFiles(dir, passport.Rotation{Publish: time.Hour, Overlap: longest})
		if err != nil {
			t.Fatal(err)
		}
		nodes := []*testkit.Server{first, second}
		var tokens []string
		for minute := range 60 + int(longest/time.Minute) + 10 {
			node, other := nodes[minute%2], nodes[(minute+1)%2]
			page := node.Browser().SignIn("alice").Authorize(c, "prompt", "consent")
			tok := first.Redeem(c, page.From.At(other).Post("/oauth/authorize", url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}).Code())
			renewed := other.Refresh(c, tok.Refresh).Tokens()
			if again := node.Refresh(c, tok.Refresh).Tokens(); again.Refresh != renewed.Refresh {
				t.Fatalf("minute %d: a retry at another node returns a different refresh token", minute)
			}
			tokens = append(tokens, renewed.Access)
			for _, live := range tokens[max(0, len(tokens)-59):] {
				if !node.Admits(live) || !other.Admits(live) {
					t.Fatalf("minute %d: an unexpired access token is refused", minute)
				}
			}
			if a, b := node.Kids(), other.Kids(); minute%7 == 3 && !slices.Equal(a, b) {
				t.Fatalf("minute %d: the nodes publish the keys %v and %v", minute, a, b)
			}
			time.Sleep(time.Minute)
		}
		if got := first.Kids(); len(got) != 1 || got[0] != done.KeyID || slices.Equal(got, old) {
			t.Errorf("at the end the server publishes the keys %v, want only the new key %s", got, done.KeyID)
		}
		first.WantBlameless()
	})
}

// The new key is published at once. It signs from the exact time in its schedule.
func TestRotateKeys_PublishedBeforeUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := keyFolder(t)
		done, err := passport.RotateKeyFiles(dir, passport.Rotation{Publish: time.Hour, Overlap: 2 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		s := testkit.NewServer(t, func(c *passport.Config) { c.Keys = loadKeys(t, dir) })
		old := s.Kids()[0]
		for _, step := range []struct {
			after time.Duration
			want  []string
		}{
			{0, []string{old, done.KeyID}},
			{time.Hour - time.Second, []string{old, done.KeyID}},
			{time.Second, []string{done.KeyID, old}},
			{2*time.Hour - time.Second, []string{done.KeyID, old}},
			{time.Second, []string{done.KeyID}},
		} {
			time.Sleep(step.after)
			if got := s.Kids(); !slices.Equal(got, step.want) {
				t.Errorf("at %v the keys are %v, want %v", time.Now(), got, step.want)
			}
		}
	})
}

// A second rotation at the same time would create a key that signs before it was
// published.
func TestRotateKeys_OneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := keyFolder(t)
		plan := passport.Rotation{Publish: time.Hour, Overlap: time.Hour}
		if _, err := passport.RotateKeyFiles(dir, plan); err != nil {
			t.Fatal(err)
		}
		if _, err := passport.RotateKeyFiles(dir, plan); !errors.Is(err, passport.ErrRotating) {
			t.Errorf("RotateKeyFiles() during a rotation = %v, want ErrRotating", err)
		}
		time.Sleep(time.Hour)
		second, err := passport.RotateKeyFiles(dir, plan)
		if err != nil || len(second.Retired) != 0 {
			t.Fatalf("RotateKeyFiles() after the first rotation = %+v, %v, want no retired key", second, err)
		}
		time.Sleep(time.Hour)
		third, err := passport.RotateKeyFiles(dir, plan)
		if err != nil || len(third.Retired) != 1 {
			t.Fatalf("RotateKeyFiles() after the second rotation = %+v, %v, want the first key retired", third, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "oauth-private.key"))
		if err != nil || strings.Count(string(text), "PRIVATE KEY-----") != 6 {
			t.Errorf("the file has %d PEM boundary lines, want 6 for three keys: %v", strings.Count(string(text), "PRIVATE KEY-----"), err)
		}
		if info, err := os.Stat(filepath.Join(dir, "oauth-private.key")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file has the mode %v, %v, want 0600", info.Mode(), err)
		}
	})
}

func TestRotateKeys_Refuses(t *testing.T) {
	dir := keyFolder(t)
	before, _ := os.ReadFile(filepath.Join(dir, "oauth-private.key"))
	if err := os.WriteFile(filepath.Join(dir, "broken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, plan := range map[string]passport.Rotation{
		"no overlap":              {},
		"an unknown algorithm":    {Overlap: time.Hour, Alg: "HS256"},
		"a negative publish time": {Overlap: time.Hour, Publish: -time.Hour},
	} {
		if done, err := passport.RotateKeyFiles(dir, plan); err == nil {
			t.Errorf("%s: RotateKeyFiles() = %+v, want an error", name, done)
		}
	}
	if _, err := passport.RotateKeyFiles(t.TempDir(), passport.Rotation{Overlap: time.Hour}); err == nil {
		t.Error("RotateKeyFiles() of an empty folder = nil, want an error")
	}
	if after, _ := os.ReadFile(filepath.Join(dir, "oauth-private.key")); string(after) != string(before) {
		t.Error("a refused rotation changed the file")
	}
	for _, line := range []string{"# ours\n Retire-After: 2026-01-31T12:00:00Z", "retire-after: 2026-01-31T12:00:00Z", "# Use-From 2026-01-31T12:00:00Z"} {
		if _, err := passport.ParseKeys([]byte(line + "\n" + string(before))); err == nil || !strings.Contains(err.Error(), "differs from it") {
			t.Errorf("%s: ParseKeys() = %v, want an error, because the line looks like a schedule", line, err)
		}
	}
	for _, line := range []string{"Use-From: tomorrow", "Retire-After: 1"} {
		if _, err := passport.ParseKeys([]byte(line + "\n" + string(before))); err == nil || !strings.Contains(err.Error(), "2026-01-31T12:00:00Z") {
			t.Errorf("%s: ParseKeys() = %v, want an error with an example of a time", line, err)
		}
	}
}

// If the keys can't be read again, the server keeps its keys and logs the error.
func TestRun_UnreadableKeysAreNotReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := keyFolder(t)
		s := testkit.NewServer(t, func(c *passport.Config) { c.Keys = loadKeys(t, dir) })
		go s.Run(t.Context())
		before := s.Kids()
		name := filepath.Join(dir, "oauth-private.key")
		text, _ := os.ReadFile(name)
		for _, broken := range []string{"", "nonsense", string(text[:len(text)/2])} {
			if err := os.WriteFile(name, []byte(broken), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
			if got := s.Kids(); !slices.Equal(got, before) {
				t.Errorf("with the file content %q the keys changed to %v", broken, got)
			}
		}
		if !strings.Contains(s.Log.String(), "the previous keys stay in use") {
			t.Error("the log does not say that the keys could not be read")
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s.MachineToken(s.Machine())
	})
}

// A retired key stays retired even with the old oauth-public.key: a rotation may be
// interrupted between its two files, or the files reach a node one after the other.
func TestRotateKeyFiles_NeverRepeat_E15_RetiredKeyInAnOldPublicFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := keyFolder(t)
		plan := passport.Rotation{Publish: time.Hour, Overlap: 2 * time.Hour}
		s := testkit.NewServer(t, func(c *passport.Config) { c.Keys = loadKeys(t, dir) })
		retired := s.Kids()[0]
		if _, err := passport.RotateKeyFiles(dir, plan); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, "oauth-public.key")
		before, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * time.Hour)
		if done, err := passport.RotateKeyFiles(dir, plan); err != nil || !slices.Contains(done.Retired, retired) {
			t.Fatalf("the second rotation = %+v, %v, want the key %s retired", done, err, retired)
		}
		if err := os.WriteFile(name, before, 0o644); err != nil {
			t.Fatal(err)
		}
		s = s.Restart(func(c *passport.Config) { c.Keys = loadKeys(t, dir) })
		if slices.Contains(s.Kids(), retired) {
			t.Errorf("the server publishes the keys %v with %s, which has been retired", s.Kids(), retired)
		}
	})
}

// Keys with a byte order mark, with CRLF or as DER can be rotated too. The result is
// PEM.
func TestRotateKeys_FR_46_Forms(t *testing.T) {
	key, kid := keyPair(t)
	text := pemText(t, "PRIVATE KEY", key)
	block, _ := pem.Decode([]byte(text))
	for name, saved := range map[string]string{
		"a byte order mark":    "\uFEFF" + text,
		"CRLF":                 strings.ReplaceAll(text, "\n", "\r\n"),
		"spaces for line ends": strings.ReplaceAll(text, "\n", " "),
		"DER":                  string(block.Bytes),
	} {
		dir := t.TempDir()
		writeFile(t, dir, "oauth-private.key", saved)
		if _, err := passport.RotateKeyFiles(dir, passport.Rotation{Overlap: time.Hour}); err != nil {
			t.Errorf("%s: RotateKeyFiles() = %v", name, err)
			continue
		}
		keys, err := passport.LoadKeys(dir)
		if shown := fmt.Sprint(keys); err != nil || strings.Count(shown, "ES256 ") != 2 || !strings.Contains(shown, kid) {
			t.Errorf("%s: after the rotation the keys are %v, %v; want two, with %s", name, keys, err, kid)
		}
	}
}
