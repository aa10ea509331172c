package laravelimport

import (
	"os"
	"path/filepath"
)

// IsApplication reports whether a folder is that of a Laravel application: it has the file
// artisan, the command line of Laravel.
func IsApplication(folder string) bool {
	info, err := os.Stat(filepath.Join(folder, "artisan"))
	return err == nil && info.Mode().IsRegular()
}

// IsKeyFolder reports whether Laravel Passport reads its keys in a folder. By default that
// is the folder storage of the application. Where releases share that folder, or a
// container mounts it, the application is not above it: then Laravel's compiled views tell.
// An application itself is such a folder, too.
func IsKeyFolder(folder string) bool {
	names := []string{folder}
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		names = append(names, real)
	}
	for _, name := range names {
		full, err := filepath.Abs(name)
		if err != nil {
			continue
		}
		views, err := os.Stat(filepath.Join(full, "framework", "views"))
		if err == nil && views.IsDir() || IsApplication(full) || filepath.Base(full) == "storage" && IsApplication(filepath.Dir(full)) {
			return true
		}
	}
	return false
}
