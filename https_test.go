package passport_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// Tokens that travel in clear are anybody's: an issuer is https, or it is reached
// from its own machine alone (RFC 9700 §2.6).
func TestNew_OP_03_PlainHTTPIsForLoopback(t *testing.T) {
	with := func(issuer string, insecure bool) error {
		s := testkit.NewServer(t)
		s.Config.Issuer, s.Config.Audience, s.Config.InsecureAllowHTTP = issuer, "", insecure
		_, err := passport.New(s.Config)
		return err
	}
	for _, issuer := range []string{"https://auth.example.com", "http://127.0.0.1:8000", "http://[::1]:8000", "http://localhost:8000"} {
		if err := with(issuer, false); err != nil {
			t.Errorf("New with the issuer %s: %v, want no error", issuer, err)
		}
	}
	for _, issuer := range []string{"http://auth.example.com", "http://127.0.0.1.example.com", "http://localhost.example.com", "http://10.0.0.1"} {
		if err := with(issuer, false); err == nil || !strings.Contains(err.Error(), "use https") {
			t.Errorf("New with the issuer %s: %v, want one that says to use https", issuer, err)
		}
	}
	if err := with("http://auth.example.com", true); err != nil {
		t.Errorf("New with InsecureAllowHTTP: %v, want no error", err)
	}
}
