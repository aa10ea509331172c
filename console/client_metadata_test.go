package console_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"

	"context"
)

// PA-0: the command stores the logo of a client, keeps it, and removes it.
func TestClientUpdate_PA_0_Logo(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web().Client
	options := console.Options{Server: func(context.Context) (*passport.Server, error) { return s.Server, nil }}
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "logo.png")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	metadata := func() *oauth.ClientMetadata {
		m, err := s.ClientMetadata(t.Context(), c.ID)
		s.Works(err)
		return m
	}
	for _, args := range [][]string{{"--logo", name, "--name", "Renamed"}, {"--verified"}} {
		if got := run(t, options, append([]string{"client", "update", c.ID}, args...)...); got.status != 0 {
			t.Fatalf("client update %q = %+v, want success", args, got)
		}
		if m := metadata(); m.Logo == "" {
			t.Errorf("after client update %q the metadata is %+v, want a logo", args, m)
		}
	}
	if stored, err := s.Client(t.Context(), c.ID); err != nil || stored.Name != "Renamed" || !metadata().Verified || stored.Version != c.Version+2 {
		t.Errorf("the client is %+v, %v, and its metadata %+v, want the new name and the verification, in one write for each command", stored, err, metadata())
	}
	if got := run(t, options, "client", "update", c.ID, "--logo="); got.status != 0 || metadata().Logo != "" {
		t.Errorf("client update --logo= = %+v, and the logo is %q; want none", got, metadata().Logo)
	}
	if got := run(t, options, "client", "--name", "New", "--redirect-uri", "https://new.example/cb", "--logo", name, "--json"); got.status != 0 || !strings.Contains(got.stdout, `"logo": "`) {
		t.Errorf("client --logo = %+v, want a client with a logo", got)
	}
	if got := run(t, options, "client", "update", c.ID, "--logo", os.DevNull); got.status != 1 {
		t.Errorf("client update --logo %s = %+v, want an error", os.DevNull, got)
	}
}
