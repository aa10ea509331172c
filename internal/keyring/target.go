package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxLinks is the maximum number of links to follow, as on Linux.
const maxLinks = 40

// target returns the file that a name leads to: the name itself, or the end of its
// symbolic links, which may be missing. Writing the target keeps the links, which an
// orchestrator or a deployment tool may manage.
func target(name string) (string, error) {
	at := name
	for range maxLinks {
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return at, nil
		}
		if err != nil {
			return "", err
		}
		if info.IsDir() {
			return "", fmt.Errorf("%s is a folder, not a file: move it away", at)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return at, nil
		}
		to, err := os.Readlink(at)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			folder, err := filepath.EvalSymlinks(filepath.Dir(at)) // .. in a link is relative to the real folder
			if err != nil {
				return "", err
			}
			to = filepath.Join(folder, to)
		}
		at = to
	}
	return "", fmt.Errorf("%s is a link that leads back to itself: remove it", name)
}

// prepare gives a temporary file the mode and the owner of the file that it will
// replace, so that the server's user can still read a key that root rotates.
func prepare(temp *os.File, name string) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(keepOwner(temp, info), temp.Chmod(info.Mode().Perm()))
}

// rename replaces a file by a temporary file.
func rename(temp, name string) error {
	err := os.Rename(temp, name)
	if errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("%s cannot be replaced, because it is mounted as a single file: mount its folder instead", name)
	}
	return err
}

// withReadOnlyRemedy adds a remedy to a write error on a read-only file system.
func withReadOnlyRemedy(name string, err error) error {
	if errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%s is on a read-only file system, such as a mounted secret: change it at its source (%w)", name, err)
	}
	return err
}
