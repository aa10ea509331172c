// Package endpoint implements the endpoints that clients and APIs call, one per file.
// Each is a function from a request to a result. A single function writes results.
package endpoint

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// Callers holds the common dependencies of the endpoints that clients call.
type Callers struct {
	Clients *clients.Registry
	Log     wire.Log
	Origins []string // that the operator allows for every client
}

// call is a form that an authenticated client sent.
type call struct {
	form   url.Values
	time   time.Time // when the whole request was received
	client *oauth.Client
	reader oauth.TokenReader // for grants; set by the token endpoint
}

// presentFunc reads a client together with the code or refresh token in its form. It
// returns a nil client if the caller must read the client separately.
type presentFunc func(ctx context.Context, clientID string, form url.Values) (*oauth.Client, oauth.TokenReader, error)

// read reads the form, records the time, and authenticates the client. present may be
// nil.
func (c Callers) read(r *http.Request, present presentFunc) (*call, error) {
	form, at, err := wire.FormBody(r)
	if err != nil {
		return nil, err
	}
	creds, err := clientCredentials(r, form)
	if err != nil {
		return nil, err
	}
	var reader oauth.TokenReader
	if present != nil {
		if creds.Client, reader, err = present(r.Context(), creds.ID, form); err != nil {
			return nil, clients.Named(reqinfo.Bounded(creds.ID), err)
		}
	}
	client, err := c.Clients.Authenticate(r.Context(), creds, at)
	if err != nil {
		return nil, clients.Named(reqinfo.Bounded(creds.ID), err)
	}
	return &call{form, at, client, reader}, nil
}

// endpoint is a path to which a client sends a POST.
type endpoint struct {
	name    string // for the 405
	scripts bool   // scripts at the allowed origins and at the client's origins may call it
	origins []string
	log     wire.Log

	// serve returns the JSON response; nil for an empty body. It returns the client
	// if it is known, even with an error.
	serve func(*http.Request) (any, *oauth.Client, error)
}

// ServeHTTP implements [http.Handler].
func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.scripts && r.Method == http.MethodOptions {
		wire.Preflight(w, r)
		return
	}
	if r.Method != http.MethodPost {
		e.log.WrongMethod(w, r, "POST", oauth.InvalidRequest.Errorf("the %s endpoint accepts only POST", e.name))
		return
	}
	res, client, err := e.serve(r)
	if e.scripts {
		wire.AllowOrigin(w, r, client, e.origins)
	}
	switch {
	case err != nil:
		e.log.WriteErrorAs(w, r, err, status(oauth.AsError(err).Code))
	case res == nil:
		w.Header().Set("Cache-Control", "no-store")
	default:
		wire.WriteJSON(w, http.StatusOK, res)
	}
}

// status returns the status of an error. Here access_denied is the error of a grant,
// such as that of a device whose user declined (RFC 6749 §5.2, RFC 8628 §3.5).
func status(code oauth.ErrorCode) int {
	if code == oauth.AccessDenied {
		return http.StatusBadRequest
	}
	return code.Status()
}
