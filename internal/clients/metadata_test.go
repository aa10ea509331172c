package clients_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"reflect"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

func logo(t *testing.T, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// PA-0: metadata is stored with its logo, and a change of what the consent page shows is
// counted.
func TestUpdateClientMetadata_PA_0(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web().Client
	m := &oauth.ClientMetadata{ClientURI: "https://tracker.example", Contacts: []string{"dev@tracker.example"}, LogoURI: "https://tracker.example/logo.png"}
	var digests []oauth.Digest
	for i, step := range []struct {
		change func()
		logo   []byte
		want   int64 // ConsentVersion
	}{
		{func() {}, logo(t, 2), 1},
		{func() { m.Contacts = nil }, nil, 1},
		{func() { m.Verified = true }, nil, 2},
		{func() {}, logo(t, 3), 3},
		{func() {}, logo(t, 3), 3},
		{func() { m.Logo = "" }, nil, 4},
	} {
		step.change()
		s.Works(s.UpdateClientMetadata(t.Context(), c, m, step.logo))
		digests = append(digests, m.Logo)
		stored, err := s.Client(t.Context(), c.ID)
		s.Works(err)
		if stored.ConsentVersion != step.want || !reflect.DeepEqual(stored, c) {
			t.Errorf("step %d: the client is %+v, and %+v was returned; want ConsentVersion %d in both", i, stored, c, step.want)
		}
		got, err := s.ClientMetadata(t.Context(), c.ID)
		s.Works(err)
		if !reflect.DeepEqual(got, m) {
			t.Errorf("step %d: ClientMetadata() = %+v, want %+v", i, got, m)
		}
	}
	if digests[0] == "" || digests[1] != digests[0] || digests[3] == digests[0] || digests[4] != digests[3] || digests[5] != "" {
		t.Errorf("the digests of the logo are %v, want that of each new logo, and none at the end", digests)
	}
}

func TestUpdateClientMetadata_PA_0_Refuses(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web().Client
	for want, m := range map[string]oauth.ClientMetadata{
		`client_uri "javascript:…": want an https URL, or http on a loopback address`: {ClientURI: "javascript:alert(1)"},
		`policy_uri "http://tracker.example": want an https URL`:                      {PolicyURI: "http://tracker.example"},
		`tos_uri "/terms": want an https URL`:                                         {TOSURI: "/terms"},
		`logo_uri "https://…@tracker.example/": want`:                                 {LogoURI: "https://u:p@tracker.example/"},
		"a contact is not valid: want at most 255 bytes of UTF-8":                     {Contacts: []string{"a\u202eb"}},
		"the client's metadata is too large: want at most 10 contacts":                {Contacts: strings.Split(strings.Repeat("a,", 10)+"a", ",")},
		"it has no logo with this digest: pass the file":                              {Logo: oauth.DigestOf("another")},
	} {
		if err := s.UpdateClientMetadata(t.Context(), c, &m, nil); err == nil || !strings.Contains(err.Error(), want[:min(len(want), 30)]) {
			t.Errorf("UpdateClientMetadata(%+v) = %v, want %s", m, err, want)
		}
	}
	if err := s.UpdateClientMetadata(t.Context(), c, &oauth.ClientMetadata{}, []byte("GIF89a")); err == nil || !strings.Contains(err.Error(), "the logo cannot be used: want a PNG or JPEG file") {
		t.Errorf("UpdateClientMetadata() with a GIF = %v, want an error about it", err)
	}
	stale := *c
	s.Works(s.UpdateClientMetadata(t.Context(), c, &oauth.ClientMetadata{Verified: true}, nil))
	if err := s.UpdateClientMetadata(t.Context(), &stale, &oauth.ClientMetadata{}, nil); !errors.Is(err, oauth.ErrConflict) {
		t.Errorf("UpdateClientMetadata() with a stale client = %v, want ErrConflict", err)
	}
}
