package laravelimport_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/go-passport/passport/internal/laravelimport"
)

// The folder of Laravel's keys is found by its application, or by Laravel's compiled views.
func TestIsKeyFolder_LP_2(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{"app/storage/passport", "app/keys", "shared/storage/framework/views", "own/storage", "linked"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "app", "artisan"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	folders := map[string]bool{
		"app": true, "app/storage": true, "app/storage/": true, "shared/storage": true,
		"app/storage/passport": false, "app/keys": false, "own/storage": false, "missing": false,
	}
	if err := os.Symlink(filepath.Join(root, "app", "storage"), filepath.Join(root, "linked", "keys")); err == nil {
		folders["linked/keys"] = true
	}
	for folder, want := range folders {
		if got := laravelimport.IsKeyFolder(filepath.Join(root, folder)); got != want {
			t.Errorf("IsKeyFolder(%q) = %v, want %v", folder, got, want)
		}
	}
	t.Chdir(filepath.Join(root, "app"))
	for _, folder := range []string{"storage", ".", "./storage/."} {
		if !laravelimport.IsKeyFolder(folder) {
			t.Errorf("IsKeyFolder(%q) = false in the folder of Laravel, want true", folder)
		}
	}
}
