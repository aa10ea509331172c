package console_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/oauth"
)

// The commands warn of a callback that is not encrypted.
func TestClient_PG_16_WarnsOfHTTP(t *testing.T) {
	var out bytes.Buffer
	console.WarnUnencrypted(&out, &oauth.Client{RedirectURIs: []string{"https://a.example/cb", "http://b.example/cb", "http://127.0.0.1/cb", "com.example.app:/cb"}})
	if got := out.String(); strings.Count(got, "is not encrypted") != 1 || !strings.Contains(got, "Warning: http://b.example/cb is not encrypted") {
		t.Errorf("the warning is %q, want one for http://b.example/cb", got)
	}
}
