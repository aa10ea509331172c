package passport

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-passport/passport/internal/page"
)

// WriteViews writes our own views into a folder, which it makes if need be, so
// that an application may start from them: see [Config.Views]. That is
// `passport views`. Where one of the files is, it writes nothing without force,
// and the error is [fs.ErrExist].
func WriteViews(dir string, force bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // pages are no secret
		return fmt.Errorf("write views: %w", err)
	}
	for _, name := range page.Files() {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil && !force {
			return fmt.Errorf("write views: %w", &fs.PathError{Op: "create", Path: filepath.Join(dir, name), Err: fs.ErrExist})
		}
	}
	for _, name := range page.Files() {
		if err := writeView(filepath.Join(dir, name), name, force); err != nil {
			return fmt.Errorf("write views: %w", err)
		}
	}
	return nil
}

func writeView(path, name string, force bool) error {
	text, err := viewFS{}.ReadFile(name)
	if err != nil {
		return err
	}
	how := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		how = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, how, 0o644) //nolint:gosec // the folder is the caller's own
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
