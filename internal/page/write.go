package page

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write writes the built-in views to a folder, which it creates if necessary, and the
// pages of groups to their folders below it. If one of the files exists and force is
// false, it writes nothing and returns [fs.ErrExist].
func Write(dir string, force bool, groups ...Group) error {
	sources := map[string]fs.ReadFileFS{}
	names := FileNames()
	for _, name := range names {
		sources[name] = builtinFiles{}
	}
	folders := []string{dir}
	for _, g := range groups {
		folders = append(folders, filepath.Join(dir, g.Folder))
		for _, name := range g.FileNames() {
			names = append(names, name)
			sources[name] = groupFiles{g, nil}
		}
	}
	for _, folder := range folders {
		if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // pages are not secret
			return fmt.Errorf("write views: %w", err)
		}
	}
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil && !force {
			return fmt.Errorf("write views: %w", &fs.PathError{Op: "create", Path: filepath.Join(dir, name), Err: fs.ErrExist})
		}
	}
	for _, name := range names {
		if err := writeView(filepath.Join(dir, name), sources[name], name, force); err != nil {
			return fmt.Errorf("write views: %w", err)
		}
	}
	return nil
}

func writeView(path string, files fs.ReadFileFS, name string, force bool) error {
	text, err := files.ReadFile(name)
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
