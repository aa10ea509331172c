package jsonapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/oauth"
)

// listClients serves GET /oauth/clients: the user's own, by name, revoked ones
// apart.
func listClients(a *API, r *request) (response, error) {
	var own []*oauth.Client
	for c, err := range a.Clients.Of(r.Context(), r.user) {
		if err != nil {
			return response{}, fmt.Errorf("list clients: %w", err)
		}
		if c.RevokedAt.IsZero() {
			own = append(own, c)
		}
	}
	slices.SortFunc(own, func(x, y *oauth.Client) int {
		return cmp.Or(strings.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name)), strings.Compare(x.Name, y.Name), strings.Compare(x.ID, y.ID))
	})
	shown := make([]*clientRecord, 0, len(own))
	for _, c := range own {
		shown = append(shown, a.clientRecord(c))
	}
	return response{http.StatusOK, shown}, nil
}

// createClient serves POST /oauth/clients: one for the accounts that the
// user's own is among.
func createClient(a *API, r *request) (response, error) {
	reg := clients.Registration{Owner: r.user}
	var f faults
	reg.Name = f.name(r.input["name"])
	reg.RedirectURIs = distinct(f.redirects(r.input["redirect"], a.AllowHTTP))
	if !f.truth("confidential", r.input["confidential"], true) {
		reg.AuthMethod = oauth.AuthNone
	}
	if err := f.err(); err != nil {
		return response{}, err
	}
	if r.user.Provider != oauth.DefaultProvider {
		reg.Provider = r.user.Provider
	}
	c, secret, err := a.Clients.Create(r.Context(), reg)
	if err != nil {
		return response{}, err
	}
	return response{http.StatusCreated, a.newClientRecord(c, secret)}, nil
}

// attempts is how often a client is read again that others change at the same
// time.
const attempts = 8

// updateClient serves PUT /oauth/clients/{id}: name and redirect URIs, and
// nothing else.
func updateClient(a *API, r *request) (response, error) {
	for range attempts {
		c, err := a.clientOf(r)
		if err != nil {
			return response{}, err
		}
		var f faults
		c.Name = f.name(r.input["name"])
		c.RedirectURIs = distinct(asRegistered(f.redirects(r.input["redirect"], a.AllowHTTP), c.RedirectURIs))
		if err := f.err(); err != nil {
			return response{}, err
		}
		switch err := a.Clients.UpdateChecked(r.Context(), c, "registration"); {
		case err == nil:
			return response{http.StatusOK, a.clientRecord(c)}, nil
		case !errors.Is(err, oauth.ErrConflict):
			return response{}, err
		}
	}
	return response{}, &failure{status: http.StatusConflict, Message: "The client was changed by somebody else at the same time."}
}

// deleteClient serves DELETE /oauth/clients/{id}: the client and its tokens
// end. Again, it is no error.
func deleteClient(a *API, r *request) (response, error) {
	c, err := a.clientOf(r)
	if err != nil {
		return response{}, err
	}
	if c.RevokedAt.IsZero() {
		if err := a.Clients.Revoke(r.Context(), c.ID); err != nil {
			return response{}, err
		}
	}
	return response{status: http.StatusNoContent}, nil
}

// clientOf returns the client that the request names. Another's is answered as
// one that is not there.
func (a *API) clientOf(r *request) (*oauth.Client, error) {
	c, err := a.Clients.Client(r.Context(), r.id)
	switch {
	case errors.Is(err, oauth.ErrNotFound), err == nil && c.Owner != r.user:
		return nil, errNoSuchRecord
	case err != nil:
		return nil, fmt.Errorf("find client: %w", err)
	}
	return c, nil
}

// asRegistered returns URIs as they are registered already: a comma in one was
// shown percent-encoded, and comes back so from a form that changes the name.
func asRegistered(uris, registered []string) []string {
	left := slices.Clone(registered)
	out := make([]string, 0, len(uris))
	for _, uri := range uris {
		if i := slices.IndexFunc(left, func(known string) bool { return withoutComma(known) == uri }); i >= 0 {
			uri = left[i]
			left = slices.Delete(left, i, i+1)
		}
		out = append(out, uri)
	}
	return out
}

// distinct returns each text once, in order.
func distinct(texts []string) (once []string) {
	for _, text := range texts {
		if !slices.Contains(once, text) {
			once = append(once, text)
		}
	}
	return once
}
