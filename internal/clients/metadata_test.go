package clients_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"reflect"
	"strings"
	"testing"

	"github.com/go-passport/passport"
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

// PA-0: one write creates a client with its metadata and logo.
func TestCreateClient_PA_0_WithMetadata(t *testing.T) {
	s := testkit.NewServer(t)
	m := &oauth.ClientMetadata{ClientURI: "https://tracker.example", Contacts: []string{"dev@tracker.example"}, Logo: "ignored", Verified: true}
	made, err := s.CreateClient(t.Context(), passport.Registration{Name: "Tracker", RedirectURIs: []string{"https://tracker.example/cb"}, Metadata: m, Logo: logo(t, 2)})
	s.Works(err)
	got, err := s.ClientMetadata(t.Context(), made.Client.ID)
	s.Works(err)
	if got.Logo == "" || got.Logo == m.Logo || got.ClientURI != m.ClientURI || len(got.Contacts) != 1 || !got.Verified || made.Client.Version != 1 {
		t.Errorf("ClientMetadata() = %+v of %+v, want the registered metadata with the digest of the logo", got, made.Client)
	}
	store, _ := oauth.StoreAs[oauth.ClientMetadataStore](s.Config.Store)
	if _, err := store.ClientLogo(t.Context(), made.Client.ID, got.Logo); err != nil {
		t.Errorf("ClientLogo() = %v, want the logo", err)
	}
	bare, err := s.CreateClient(t.Context(), passport.Registration{Name: "Bare", GrantTypes: []string{}, Logo: logo(t, 2)})
	s.Works(err)
	if got, err := s.ClientMetadata(t.Context(), bare.Client.ID); err != nil || got.Logo == "" {
		t.Errorf("ClientMetadata() of a client with only a logo = %+v, %v, want its digest", got, err)
	}

	bad := passport.Registration{Metadata: &oauth.ClientMetadata{TOSURI: "/terms"}, Logo: []byte("GIF89a")}
	for name, err := range map[string]error{"CheckClient": s.CheckClient(bad), "CreateClient": second(s.CreateClient(t.Context(), bad))} {
		for _, want := range []string{"a name is missing", `tos_uri "/terms": want an https URL`, "the logo cannot be used: want a PNG or JPEG file"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s() = %v, want an error with %q", name, err, want)
			}
		}
	}
	plain := s.Restart(func(c *passport.Config) { c.Store = struct{ oauth.Store }{c.Store} }) // without powers
	reg := passport.Registration{Name: "x", GrantTypes: []string{}}
	if _, err := plain.CreateClient(t.Context(), reg); err != nil {
		t.Errorf("CreateClient() without metadata = %v, want a client", err)
	}
	reg.Metadata = new(oauth.ClientMetadata)
	if _, err := plain.CreateClient(t.Context(), reg); err == nil || !strings.Contains(err.Error(), "the store keeps no metadata of clients") {
		t.Errorf("CreateClient() with metadata, for a store that keeps none = %v, want an error about it", err)
	}
}

func second[T any](_ T, err error) error { return err }

// PA-0: one write changes a client and its metadata. The client is checked if it changes.
func TestUpdateClientMetadata_PA_0_WithTheClient(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Register(passport.Registration{Scopes: []string{"admin"}}).Client
	m := &oauth.ClientMetadata{ClientURI: "https://tracker.example"}
	c.Name = "Renamed"
	s.Works(s.UpdateClientMetadata(t.Context(), c, m, nil))
	stored, err := s.Client(t.Context(), c.ID)
	s.Works(err)
	if stored.Name != "Renamed" || stored.Version != 2 || stored.ConsentVersion != 1 || !reflect.DeepEqual(stored, c) {
		t.Errorf("the client is %+v, and %+v was returned; want the new name, Version 2 and ConsentVersion 1 in both", stored, c)
	}
	c.Name = ""
	if err := s.UpdateClientMetadata(t.Context(), c, m, nil); err == nil || !strings.Contains(err.Error(), "a name is missing") {
		t.Errorf("UpdateClientMetadata() with an empty name = %v, want an error about it", err)
	}
	s = s.Restart(func(c *passport.Config) { c.Scopes = c.Scopes[:1] })
	m.Verified = true
	if err := s.UpdateClientMetadata(t.Context(), stored, m, nil); err != nil {
		t.Errorf("UpdateClientMetadata() of a client with a removed scope = %v, want nil: the client itself does not change", err)
	}
}
