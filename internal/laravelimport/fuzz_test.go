package laravelimport_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/internal/laravelimport"
)

// A file .env never causes a panic. Its database URL is one that every command accepts, and
// the error without one names a variable and no value.
func FuzzParseEnv(f *testing.F) {
	f.Add("APP_KEY=base64:AAAA\nDB_CONNECTION=mysql\nDB_DATABASE=\"app\"\nDB_USERNAME=a\nDB_PASSWORD='p@ss#w:rd/?'\n")
	f.Add("export APP_KEY=x # comment\n#A=b\n=\nA\n")
	f.Add("DB_CONNECTION=pgsql\nDB_DATABASE=a b\nDB_USERNAME=a\nDB_HOST=::1\nDB_PORT=5432")
	f.Add("DB_CONNECTION=pgsql\nDB_DATABASE=a\nDB_USERNAME=a\nDB_HOST=/run\nDB_SCHEMA=a,b\nDB_SSLMODE=require")
	f.Add("X=\"a\nb\"\nDB_CONNECTION=sqlite\nDB_DATABASE=${X}/~c\r\n# A=\"b\n")
	f.Add("DB_URL=mysql://user:pass%20word@[::1]:3306/db?unix_socket=/x&charset=utf8#x")
	f.Add("DATABASE_URL=sqlite:////a/b\nDB_PASSWORD=\"a\\\\b\\n\\$\"\nPASSPORT_PUBLIC_KEY=\"a")
	f.Fuzz(func(t *testing.T, text string) {
		env, err := laravelimport.ParseEnv(text)
		if err != nil {
			return
		}
		keys, err := env.Keys()
		errs := []error{err}
		for _, k := range keys {
			if got := fmt.Sprintf("%v %+v %#v", k, k, k); got != "laravelimport.AppKey laravelimport.AppKey laravelimport.AppKey" {
				t.Errorf("a key prints itself: %s", got)
			}
		}
		_, err = env.PublicKey()
		errs = append(errs, err)
		_, err = env.TimeZone()
		errs = append(errs, err)
		u, err := env.DatabaseURL("app")
		errs = append(errs, err)
		if _, wrong := dburl.Read(u); err == nil && wrong != nil {
			t.Errorf("DatabaseURL() = %q, which no command accepts: %v", u, wrong)
		}
		for _, err := range errs {
			if err == nil {
				continue
			}
			if !faultForm.MatchString(err.Error()) {
				t.Errorf("the error is %q, want the name of a variable first, and what to do", err)
			}
			for line := range strings.Lines(text) {
				if _, value, _ := strings.Cut(strings.TrimSpace(line), "="); len(value) > 12 && strings.Contains(err.Error(), value) {
					t.Errorf("the error shows a value: %v", err)
				}
			}
		}
	})
}

var faultForm = regexp.MustCompile(`^(APP|PASSPORT|DB|DATABASE|MYSQL)_[A-Z_]+\b.*[:;] `)

func FuzzParsePublicKey(f *testing.F) {
	f.Add("-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----")
	f.Add("-----BEGIN RSA PRIVATE KEY-----\r\nAAAA\r\n-----END RSA PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := laravelimport.ParsePublicKey(text); (key == nil) == (err == nil) {
			t.Errorf("ParsePublicKey() = %v, %v, want a key or an error", key, err)
		}
	})
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
