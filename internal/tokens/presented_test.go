package tokens_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// joint is a store that reads client and code at once.
type joint struct {
	oauth.Store
}

func (s *joint) Presenting() oauth.Store { return s }

func (s *joint) Unwrap() oauth.Store { return s.Store }

func (s *joint) ClientWithCode(_ context.Context, id string, d oauth.Digest) (*oauth.Client, *oauth.Code, error) {
	if id != "web" {
		return nil, nil, oauth.ErrNotFound
	}
	return &oauth.Client{ID: id}, &oauth.Code{Digest: d, RedirectURI: "as presented"}, nil
}

func (s *joint) ClientWithRefreshToken(context.Context, string, oauth.Digest) (*oauth.Client, *oauth.RefreshToken, error) {
	return nil, nil, oauth.ErrUnavailable
}

func (s *joint) Code(_ context.Context, d oauth.Digest) (*oauth.Code, error) {
	return &oauth.Code{Digest: d, RedirectURI: "as read alone"}, nil
}

// careful is a wrapper of an application, which decides which codes exist.
type careful struct{ oauth.Store }

func (careful) Code(context.Context, oauth.Digest) (*oauth.Code, error) {
	return nil, oauth.ErrNotFound
}
func (s careful) Unwrap() oauth.Store { return s.Store }

// embedding is such a wrapper of a store with a known type, whose methods it has too.
type embedding struct{ *joint }

func (embedding) Code(context.Context, oauth.Digest) (*oauth.Code, error) {
	return nil, oauth.ErrNotFound
}

func TestReader_PresentsACodeOnce(t *testing.T) {
	r := tokens.NewReader(&joint{Store: new(memstore.Store)}, false)
	presented := oauth.Spend{Purpose: oauth.SpendCode, ID: "digest"}
	client, reader, err := r.Present(t.Context(), "web", presented)
	if err != nil || client == nil || client.ID != "web" {
		t.Fatalf("Present() = %+v, %v, want the client web", client, err)
	}
	for i, want := range []string{"as presented", "as read alone"} {
		if c, err := reader.Code(t.Context(), "digest"); err != nil || c.RedirectURI != want {
			t.Errorf("Code(), call %d = %+v, %v, want the record %s: a grant that is asked again must see the new state", i+1, c, err, want)
		}
	}
	if _, reader, _ = r.Present(t.Context(), "web", presented); reader == nil {
		t.Fatal("Present() gives no reader")
	}
	if c, err := reader.Code(t.Context(), "another"); err != nil || c.Digest != "another" {
		t.Errorf("Code() of a code that was not presented = %+v, %v, want the code that the grant asked for", c, err)
	}
}

func TestReader_ReadsAloneWhatIsNotPresented(t *testing.T) {
	r := tokens.NewReader(&joint{Store: new(memstore.Store)}, false)
	for what, v := range map[string]struct {
		client string
		value  oauth.Spend
	}{
		"another client's code": {"other", oauth.Spend{Purpose: oauth.SpendCode, ID: "digest"}},
		"no value":              {"web", oauth.Spend{}},
		"a custom purpose":      {"web", oauth.Spend{Purpose: "till.receipt", ID: "digest"}},
	} {
		client, reader, err := r.Present(t.Context(), v.client, v.value)
		if client != nil || err != nil {
			t.Errorf("Present(), %s = %+v, %v, want no client, which is then read alone", what, client, err)
			continue
		}
		if c, err := reader.Code(t.Context(), "digest"); err != nil || c.RedirectURI != "as read alone" {
			t.Errorf("Code(), %s = %+v, %v, want the record as read alone", what, c, err)
		}
	}
	if _, _, err := r.Present(t.Context(), "web", oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: "x"}); !errors.Is(err, oauth.ErrUnavailable) {
		t.Errorf("Present() of a store out of reach = %v, want ErrUnavailable", err)
	}
}

// A wrapper may decide which records exist. The power of the store behind it must
// not get around that.
func TestReader_AsksAWrapperFirst(t *testing.T) {
	inner := &joint{Store: new(memstore.Store)}
	for what, store := range map[string]oauth.Store{"a wrapper": careful{inner}, "an embedded store": embedding{inner}, "a pointer to one": &embedding{inner}} {
		r := tokens.NewReader(store, false)
		client, reader, err := r.Present(t.Context(), "web", oauth.Spend{Purpose: oauth.SpendCode, ID: "digest"})
		if client != nil || err != nil {
			t.Errorf("%s: Present() = %+v, %v, want no client: the wrapper has not been asked", what, client, err)
			continue
		}
		if c, err := reader.Code(t.Context(), "digest"); !errors.Is(err, oauth.ErrNotFound) {
			t.Errorf("%s: Code() = %+v, %v, want the wrapper's ErrNotFound", what, c, err)
		}
	}
}
