//go:build unix

package keyring_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-passport/passport"
)

const privateFile, publicFile = "oauth-private.key", "oauth-public.key"

func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func rotated(t *testing.T, dir string) {
	t.Helper()
	if _, err := passport.RotateKeyFiles(dir, passport.Rotation{Overlap: time.Hour}); err != nil {
		t.Fatalf("RotateKeyFiles() = %v", err)
	}
}

// replaced replaces the keys in a folder.
func replaced(t *testing.T, dir string) {
	t.Helper()
	if err := passport.WriteKeys(dir, "", 0, true); err != nil {
		t.Fatalf("WriteKeys() = %v", err)
	}
}

// A link to a key stays a link, and the file that it leads to gets the new key.
func TestKeyFiles_FR_49_Links(t *testing.T) {
	for name, arrange := range map[string]func(t *testing.T, dir string) (private, public string){
		"an absolute link": func(t *testing.T, dir string) (string, string) {
			other := t.TempDir()
			for _, file := range []string{privateFile, publicFile} {
				move(t, filepath.Join(dir, file), filepath.Join(other, file))
				link(t, filepath.Join(other, file), filepath.Join(dir, file))
			}
			return filepath.Join(other, privateFile), filepath.Join(other, publicFile)
		},
		"a relative link, and its file has another name": func(t *testing.T, dir string) (string, string) {
			for _, file := range []string{privateFile, publicFile} {
				move(t, filepath.Join(dir, file), filepath.Join(dir, "shared", file+".pem"))
				link(t, "shared/"+file+".pem", filepath.Join(dir, file))
			}
			return filepath.Join(dir, "shared", privateFile+".pem"), filepath.Join(dir, "shared", publicFile+".pem")
		},
		"links as Kubernetes creates them": func(t *testing.T, dir string) (string, string) {
			for _, file := range []string{privateFile, publicFile} {
				move(t, filepath.Join(dir, file), filepath.Join(dir, "..2026_01_31", file))
				link(t, "..data/"+file, filepath.Join(dir, file))
			}
			link(t, "..2026_01_31", filepath.Join(dir, "..data"))
			return filepath.Join(dir, "..2026_01_31", privateFile), filepath.Join(dir, "..2026_01_31", publicFile)
		},
		"a link to a link": func(t *testing.T, dir string) (string, string) {
			for _, file := range []string{privateFile, publicFile} {
				move(t, filepath.Join(dir, file), filepath.Join(dir, "a", "b", file))
				link(t, "../a/b/"+file, filepath.Join(dir, "a", file))
				link(t, "a/"+file, filepath.Join(dir, file))
			}
			return filepath.Join(dir, "a", "b", privateFile), filepath.Join(dir, "a", "b", publicFile)
		},
	} {
		for action, act := range map[string]func(*testing.T, string){"rotate": rotated, "replace": replaced} {
			t.Run(name+", "+action, func(t *testing.T) {
				dir := keyFolder(t)
				private, public := arrange(t, dir)
				before := map[string]string{private: read(t, private), public: read(t, public)}
				act(t, dir)
				for file, old := range before {
					if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() || read(t, file) == old {
						t.Errorf("%s is unchanged, or not a regular file: %v, %v", file, info, err)
					}
				}
				for _, file := range []string{privateFile, publicFile} {
					if info, err := os.Lstat(filepath.Join(dir, file)); err != nil || info.Mode()&fs.ModeSymlink == 0 {
						t.Errorf("%s isn't a link any more: %v, %v", file, info, err)
					}
				}
				if _, err := passport.LoadKeys(dir); err != nil {
					t.Errorf("LoadKeys() = %v", err)
				}
				leftovers, _ := filepath.Glob(filepath.Dir(private) + "/*.lock")
				temporary, _ := filepath.Glob(filepath.Dir(private) + "/.oauth*")
				if len(leftovers)+len(temporary) != 0 {
					t.Errorf("files left behind: %v %v, want none", leftovers, temporary)
				}
			})
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// If the server's group can read the key, it can still read it after a rotation.
func TestKeyFiles_FR_49_ModesStay(t *testing.T) {
	for _, act := range []func(*testing.T, string){rotated, replaced} {
		dir := keyFolder(t)
		modes := map[string]fs.FileMode{privateFile: 0o640, publicFile: 0o664}
		for file, mode := range modes {
			if err := os.Chmod(filepath.Join(dir, file), mode); err != nil {
				t.Fatal(err)
			}
		}
		if os.Geteuid() == 0 { // as when root rotates the key of the server's user
			if err := os.Chown(filepath.Join(dir, privateFile), 65534, 65534); err != nil {
				t.Fatal(err)
			}
		}
		before := owner(t, filepath.Join(dir, privateFile))
		act(t, dir)
		for file, mode := range modes {
			if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s has the mode %v, %v; want %v", file, info.Mode(), err, mode)
			}
		}
		if after := owner(t, filepath.Join(dir, privateFile)); after != before {
			t.Errorf("the owner of the key is %v, want %v as before", after, before)
		}
	}
}

func owner(t *testing.T, name string) [2]uint32 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return [2]uint32{stat.Uid, stat.Gid}
}

// Each of these gets an error that names the cause, and nothing is written.
func TestKeyFiles_FR_49_NoTarget(t *testing.T) {
	for name, test := range map[string]struct {
		arrange func(t *testing.T, private string)
		want    string
	}{
		"a loop": {func(t *testing.T, private string) { link(t, privateFile, private) }, "link"},
		"a loop of two": {func(t *testing.T, private string) {
			link(t, "other", private)
			link(t, privateFile, filepath.Join(filepath.Dir(private), "other"))
		}, "link"},
		"a folder": {func(t *testing.T, private string) {
			if err := os.Mkdir(private, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "folder"},
		"a link to a folder": {func(t *testing.T, private string) { link(t, t.TempDir(), private) }, "folder"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			test.arrange(t, filepath.Join(dir, privateFile))
			write := passport.WriteKeys(dir, "", 0, true)
			_, rotate := passport.RotateKeyFiles(dir, passport.Rotation{Overlap: time.Hour})
			for what, err := range map[string]error{"WriteKeys": write, "RotateKeyFiles": rotate} {
				if err == nil || errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s() = %v, want an error about a %s", what, err, test.want)
				}
			}
			if _, err := os.Lstat(filepath.Join(dir, publicFile)); err == nil {
				t.Error("the public half was written")
			}
		})
	}
}

// With force, WriteKeys also follows a link to a missing file. Without it, nothing is
// written.
func TestWriteKeys_FR_49_DanglingLink(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	link(t, filepath.Join(other, "key.pem"), filepath.Join(dir, privateFile))
	if err := passport.WriteKeys(dir, "", 0, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("WriteKeys() without force = %v, want fs.ErrExist", err)
	}
	replaced(t, dir)
	if info, err := os.Lstat(filepath.Join(other, "key.pem")); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file that the link leads to is %v, %v; want the key with mode 0600", info, err)
	}
	link(t, "gone", filepath.Join(other, "storage"))
	if err := passport.WriteKeys(filepath.Join(other, "storage"), "", 0, false); err == nil || errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "link") {
		t.Errorf("WriteKeys() to a link to a missing folder = %v, want an error about the link", err)
	}
}
