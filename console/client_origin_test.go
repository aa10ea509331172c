package console_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestClient_FR_30_AllowedOrigins(t *testing.T) {
	o, server := shop(t, nil)
	got := run(t, o, "client", "--name", "App", "--public", "--redirect_uri", "https://app.example.com/cb", "--allowed-origin", "capacitor://localhost,tauri://localhost", "--allowed-origin", "http://tauri.localhost", "--json")
	var made struct {
		ID      string   `json:"client_id"`
		Origins []string `json:"allowed_origins"`
	}
	want := []string{"capacitor://localhost", "tauri://localhost", "http://tauri.localhost"}
	if err := json.Unmarshal([]byte(got.stdout), &made); err != nil || !slices.Equal(made.Origins, want) {
		t.Fatalf("passport client --allowed-origin = %+v, want the origins %q", got, want)
	}
	for _, change := range []struct {
		args []string
		want []string
	}{
		{[]string{"--name", "Renamed"}, want},
		{[]string{"--allowed-origin", "ionic://localhost"}, []string{"ionic://localhost"}},
		{[]string{"--allowed-origin", ""}, nil},
	} {
		if got := run(t, o, append([]string{"client", "update", made.ID}, change.args...)...); got.status != 0 {
			t.Fatalf("client update %q = %+v", change.args, got)
		}
		c, err := server.Client(t.Context(), made.ID)
		if err != nil || !slices.Equal(c.AllowedOrigins, change.want) {
			t.Errorf("after client update %q the origins are %q, %v, want %q", change.args, c.AllowedOrigins, err, change.want)
		}
	}
	for _, odd := range []string{"https://app.example.com/", "null"} {
		if got := run(t, o, "client", "update", made.ID, "--allowed-origin", odd); got.status == 0 || !strings.Contains(got.stderr, "the allowed origin") {
			t.Errorf("client update --allowed-origin %s = %+v, want a refusal with a reason", odd, got)
		}
	}
	if got := run(t, o, "client", "--api", "--name", "API", "--allowed-origin", "tauri://localhost"); got.status == 0 || !strings.Contains(got.stderr, "leave out --allowed-origin") {
		t.Errorf("client --api --allowed-origin = %+v, want a refusal", got)
	}
}
