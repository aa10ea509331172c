package tokens_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// joint is a store that reads client and code together.
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
	return &oauth.Code{Digest: d, RedirectURI: "as read separately"}, nil
}

// careful is an application's wrapper that decides which codes exist.
type careful struct{ oauth.Store }

func (careful) Code(context.Context, oauth.Digest) (*oauth.Code, error) {
	return nil, oauth.ErrNotFound
}
func (s careful) Unwrap() oauth.Store { return s.Store }

// embedding is a wrapper that embeds a concrete store, and so has all of its methods.
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
	for i, want := range []string{"as presented", "as read separately"} {
		if c, err := reader.Code(t.Context(), "digest"); err != nil || c.RedirectURI != want {
			t.Errorf("Code(), call %d = %+v, %v, want the record %s, because a second call must read the new state", i+1, c, err, want)
		}
	}
	if _, reader, _ = r.Present(t.Context(), "web", presented); reader == nil {
		t.Fatal("Present() returns no reader")
	}
	if c, err := reader.Code(t.Context(), "another"); err != nil || c.Digest != "another" {
		t.Errorf("Code() of a code that was not presented = %+v, %v, want the requested code", c, err)
	}
}

func TestReader_ReadsOtherValuesSeparately(t *testing.T) {
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
			t.Errorf("Present(), %s = %+v, %v, want no client", what, client, err)
			continue
		}
		if c, err := reader.Code(t.Context(), "digest"); err != nil || c.RedirectURI != "as read separately" {
			t.Errorf("Code(), %s = %+v, %v, want the separately read record", what, c, err)
		}
	}
	if _, _, err := r.Present(t.Context(), "web", oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: "x"}); !errors.Is(err, oauth.ErrUnavailable) {
		t.Errorf("Present() of an unavailable store = %v, want ErrUnavailable", err)
	}
}

// A wrapper may decide which records exist. The optional interface of its inner store must
// not bypass it.
func TestReader_DoesNotBypassAWrapper(t *testing.T) {
	inner := &joint{Store: new(memstore.Store)}
	for what, store := range map[string]oauth.Store{"a wrapper": careful{inner}, "an embedded store": embedding{inner}, "a pointer to one": &embedding{inner}} {
		r := tokens.NewReader(store, false)
		client, reader, err := r.Present(t.Context(), "web", oauth.Spend{Purpose: oauth.SpendCode, ID: "digest"})
		if client != nil || err != nil {
			t.Errorf("%s: Present() = %+v, %v, want no client, because the wrapper was not called", what, client, err)
			continue
		}
		if c, err := reader.Code(t.Context(), "digest"); !errors.Is(err, oauth.ErrNotFound) {
			t.Errorf("%s: Code() = %+v, %v, want the wrapper's ErrNotFound", what, c, err)
		}
	}
}
