package loopback_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/go-passport/passport/internal/loopback"
)

func TestCheck_FR_13(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1:8000": true, "127.0.0.1": true, "127.0.0.1:1": true, "127.0.0.2:8000": true, "127.0.0.1.": true,
		"localhost": true, "LocalHost:8000": true, "localhost.:8000": true, "[::1]:8000": true, "[::1]": true, "[0:0:0:0:0:0:0:1]:80": true,
		"": false, ":8000": false, "evil.example:8000": false, "127.0.0.1.evil.example": false, "localhost.evil.example": false,
		"evil.localhost.": false, "0.0.0.0:8000": false, "[::]:8000": false, "192.168.1.2:8000": false, "127.0.0.1@evil.example": false,
		"evil.example#127.0.0.1": false, "localhost..": false, "127.1": false, "[::1": false, "passport:8000": false,
	} {
		for _, issuer := range []string{"http://127.0.0.1:8000", "http://localhost:8000/auth", "https://[::1]"} {
			u, err := url.Parse(issuer)
			if err != nil {
				t.Fatal(err)
			}
			if err := loopback.Check(u, host); (err == nil) != want || err != nil && !errors.Is(err, loopback.ErrForeignHost) {
				t.Errorf("Check(%s, %q) = %v, want nil: %v", issuer, host, err, want)
			}
		}
		if err := loopback.Check(&url.URL{Scheme: "https", Host: "auth.example.com"}, host); err != nil {
			t.Errorf("Check() of %q at an issuer that isn't on loopback = %v, want nil", host, err)
		}
	}
}
