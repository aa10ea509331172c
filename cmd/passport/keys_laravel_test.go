package main_test

import (
	"os"
	"strings"
	"testing"
)

// inLaravel enters the folder of a Laravel application with the keys of Laravel Passport,
// and returns the text of its private key.
func inLaravel(t *testing.T) (private string) {
	t.Helper()
	t.Chdir(t.TempDir())
	command(t, "", "keys", "--alg", "RS256", "--length", "2048")
	write(t, "artisan", "#!/usr/bin/env php\n")
	return content(t, "storage/oauth-private.key")
}

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// No command changes the keys of a Laravel application, and each says what to do.
func TestKeys_LP_2_OfLaravelStay(t *testing.T) {
	for name, args := range map[string][]string{
		"keys":              {"keys"},
		"keys --force":      {"keys", "--force"},
		"keys --keys-dir":   {"keys", "--force", "--keys-dir", "./storage"},
		"keys rotate":       {"keys", "rotate"},
		"keys rotate there": {"keys", "rotate", "--keys-dir", "storage"},
		"keys add":          {"keys", "add", "--alg", "ES256"},
		"install --force":   {"install", "--force"},
	} {
		t.Run(name, func(t *testing.T) {
			private := inLaravel(t)
			status, said := tried(t, nil, args...)
			if status != 1 || !strings.Contains(said, "are those of a Laravel application") || !strings.Contains(said, "in another folder") || strings.Contains(said, "--force replaces") {
				t.Errorf("passport %s = %d and printed\n%s\nwant 1, and to name another folder", strings.Join(args, " "), status, said)
			}
			if content(t, "storage/oauth-private.key") != private {
				t.Errorf("passport %s changed the private key of Laravel", strings.Join(args, " "))
			}
		})
	}
}

// The advice of the refusal works, also in a folder of the Laravel application.
func TestKeys_LP_2_InAnotherFolder(t *testing.T) {
	private := inLaravel(t)
	command(t, "", "keys", "--keys-dir", "storage/passport")
	command(t, "", "keys", "--force", "--keys-dir", "storage/passport")
	if status, said := tried(t, []string{"PASSPORT_KEYS_DIR=storage/passport"}, "install"); status != 0 || strings.Contains(said, "Laravel") {
		t.Errorf("install = %d and printed\n%s\nwant no word of Laravel, because its keys are in another folder than Laravel's", status, said)
	}
	if content(t, "storage/oauth-private.key") != private {
		t.Error("the private key of Laravel has changed")
	}
}

// A key that Laravel Passport can't have is ours, wherever it is.
func TestKeys_LP_2_OurKeyInTheFolderOfLaravel(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "artisan", "")
	command(t, "", "keys")
	command(t, "", "keys", "--force")
	command(t, "", "keys", "rotate")
}

// install and serve warn of the keys of Laravel.
func TestInstall_LP_2_WarnsOfLaravelKeys(t *testing.T) {
	inLaravel(t)
	status, said := tried(t, nil, "install")
	if status != 0 || !strings.Contains(said, "Warning: the signing keys are those of a Laravel application.") || !strings.Contains(said, "Kept the signing keys in storage.") {
		t.Errorf("install = %d and printed\n%s\nwant 0, and a warning of the keys of Laravel", status, said)
	}
}

func TestServe_LP_2_WarnsOfLaravelKeys(t *testing.T) {
	inLaravel(t)
	s := start(t, nil, "serve")
	if log := s.log.String(); !strings.Contains(log, "the signing keys are those of a Laravel application") || !strings.Contains(log, "folder=storage") {
		t.Errorf("the log is\n%s\nwant a warning of the keys of Laravel", log)
	}
}

// With [laravel] the server does not start: the key of Laravel would sign.
func TestServe_LP_2_RefusesLaravelKeys(t *testing.T) {
	inLaravel(t)
	write(t, "passport.toml", "[laravel]\npublic_key = \"storage/oauth-public.key\"\napp_keys = [\"base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"]\n")
	status, said := tried(t, nil, "serve", "--listen", "127.0.0.1:0")
	if status != 1 || !strings.Contains(said, "a key of Laravel Passport must not sign here") || !strings.Contains(said, "keys_dir") {
		t.Errorf("serve = %d and printed\n%s\nwant 1, and to name another folder", status, said)
	}
}
