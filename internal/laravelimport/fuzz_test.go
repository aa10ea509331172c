package laravelimport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/internal/laravelimport"
)

// A file .env never causes a panic, and its database URL is valid or refused without a part
// of the password.
func FuzzParseEnv(f *testing.F) {
	f.Add("APP_KEY=base64:AAAA\nDB_CONNECTION=mysql\nDB_DATABASE=\"app\"\nDB_PASSWORD='p@ss#w:rd/?'\n")
	f.Add("export APP_KEY=x # comment\n#A=b\n=\nA\n")
	f.Add("DB_CONNECTION=pgsql\nDB_DATABASE=a b\nDB_HOST=::1\nDB_PORT=5432")
	f.Fuzz(func(t *testing.T, text string) {
		env, err := laravelimport.ParseEnv(text)
		if err != nil {
			return
		}
		for _, key := range env.Keys() {
			if k, err := laravelimport.ParseAppKey(key); err == nil && strings.Contains(fmt.Sprintf("%v %+v %#v", k, k, k), key) {
				t.Errorf("a key prints itself")
			}
		}
		if u := env.DatabaseURL(); u != "" {
			if _, err := dburl.Read(u); err != nil && len(env["DB_PASSWORD"]) > 5 && strings.Contains(err.Error(), env["DB_PASSWORD"]) {
				t.Errorf("the error shows the password: %v", err)
			}
		}
	})
}

func FuzzParsePublicKey(f *testing.F) {
	f.Add("-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----")
	f.Add("-----BEGIN RSA PRIVATE KEY-----\r\nAAAA\r\n-----END RSA PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := laravelimport.ParsePublicKey(text); (key == nil) == (err == nil) {
			t.Errorf("ParsePublicKey() = %v, %v, want a key or an error", key, err)
		}
	})
}

func TestParseEnv(t *testing.T) {
	env, err := laravelimport.ParseEnv("# Shop\nAPP_KEY=\"base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\nAPP_PREVIOUS_KEYS=one,two\nDB_CONNECTION=pgsql # the database\n" +
		"DB_HOST=db.internal\nDB_PORT=5433\nDB_DATABASE=shop\nDB_USERNAME=reader\nDB_PASSWORD='p@ss:w/rd'\n")
	if err != nil {
		t.Fatal(err)
	}
	if keys := env.Keys(); len(keys) != 3 || !strings.HasPrefix(keys[0], "base64:") {
		t.Errorf("Keys() = %q", keys)
	}
	if got, want := env.DatabaseURL(), "postgres://reader:p%40ss%3Aw%2Frd@db.internal:5433/shop"; got != want {
		t.Errorf("DatabaseURL() = %q, want %q", got, want)
	}
}

func TestParseAppKey(t *testing.T) {
	for _, text := range []string{"", "base64:", "base64:!", "base64:AAAA", strings.Repeat("x", 31)} {
		if _, err := laravelimport.ParseAppKey(text); err == nil {
			t.Errorf("ParseAppKey(%q) = nil, want an error", text)
		}
	}
	for _, text := range []string{strings.Repeat("x", 32), strings.Repeat("x", 16), " \"base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\" "} {
		if _, err := laravelimport.ParseAppKey(text); err != nil {
			t.Errorf("ParseAppKey(%q) = %v", text, err)
		}
	}
}
