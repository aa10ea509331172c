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

// listClients serves GET /oauth/clients: the user's own clients by name, without
// the revoked ones.
func listClients(a *API, r *request) (response, error) {
	var own []*oauth.Client
	for c, err := range a.Clients.UnrevokedOf(r.Context(), r.user) {
		if err != nil {
			return response{}, fmt.Errorf("list clients: %w", err)
		}
		own = append(own, c)
	}
	slices.SortFunc(own, func(x, y *oauth.Client) int {
		return cmp.Or(strings.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name)), strings.Compare(x.Name, y.Name), strings.Compare(x.ID, y.ID))
	})
	shown, err := a.described(r.Context(), own...)
	if err != nil {
		return response{}, fmt.Errorf("list clients: %w", err)
	}
	return response{http.StatusOK, shown}, nil
}

// createClient serves POST /oauth/clients. The new client serves the user provider
// of its owner.
func createClient(a *API, r *request) (response, error) {
	reg := clients.Registration{Owner: r.user}
	var f faults
	reg.Name = f.name(r.input["name"])
	reg.RedirectURIs = distinct(f.redirects(r.input["redirect"], a.Policy.CheckNewRedirectURI))
	if !f.boolean("confidential", r.input, true) {
		reg.AuthMethod = oauth.AuthNone
	}
	if r.input.describes() {
		reg.Metadata = new(oauth.ClientMetadata)
		a.readMetadata(&f, r.input, reg.Metadata)
	}
	client := &oauth.Client{Owner: r.user, AuthMethod: reg.AuthMethod, RedirectURIs: reg.RedirectURIs}
	a.readOpenID(&f, r.input, client, nil)
	reg.OpenID = client.OpenID
	if err := f.err(); err != nil {
		return response{}, err
	}
	if r.user.Provider != oauth.DefaultProvider {
		reg.Provider = r.user.Provider
	}
	created, secret, err := a.Clients.Create(r.Context(), reg)
	if errors.Is(err, oauth.ErrLimit) {
		f.add("name", "You have reached the limit of clients. Delete one first.")
		return response{}, fmt.Errorf("%w: %w", err, f.err())
	}
	if err != nil {
		return response{}, err
	}
	return response{http.StatusCreated, a.newClientRecord(created, secret)}, nil
}

// attempts is how often updateClient retries when other requests change the client
// at the same time.
const attempts = 8

// updateClient serves PUT /oauth/clients/{id}. It changes the name, the redirect URIs
// and the metadata that the request has, and nothing else, except that a changed client
// is no longer verified.
func updateClient(a *API, r *request) (response, error) {
	for range attempts {
		c, err := a.clientOf(r)
		if err != nil {
			return response{}, err
		}
		var f faults
		before := *c
		a.readClient(&f, r.input, c)
		a.readOpenID(&f, r.input, c, &before)
		m, changed, err := a.changedMetadata(&f, r, c, !c.LooksLike(&before))
		if err != nil {
			return response{}, err
		}
		if err := f.err(); err != nil {
			return response{}, err
		}
		switch shown, err := a.update(r, c, m, changed); {
		case err == nil:
			return response{http.StatusOK, shown}, nil
		case !errors.Is(err, oauth.ErrConflict):
			return response{}, err
		}
	}
	return response{}, &failure{status: http.StatusConflict, Message: "Another request changed the client at the same time."}
}

// readClient changes the name and the redirect URIs as a request says.
func (a *API) readClient(f *faults, in input, c *oauth.Client) {
	c.Name = f.name(in["name"])
	check := func(uri string) error {
		if slices.Equal(asRegistered([]string{uri}, c.RedirectURIs), []string{uri}) && !slices.Contains(c.RedirectURIs, uri) {
			return a.Policy.CheckNewRedirectURI(uri)
		}
		return a.Policy.CheckRedirectURI(uri)
	}
	c.RedirectURIs = distinct(asRegistered(f.redirects(in["redirect"], check), c.RedirectURIs))
}

// changedMetadata returns the metadata after a request, and whether the request changes it;
// nil if the request can't change it. The operator verified the client with the name, the
// redirect URIs and the home page that it had, so a change of them ends that.
func (a *API) changedMetadata(f *faults, r *request, c *oauth.Client, looksNew bool) (m *oauth.ClientMetadata, changed bool, err error) {
	describes := r.input.describes()
	if !describes && !(looksNew && a.Clients.KeepsMetadata()) {
		return nil, false, nil
	}
	if m, err = a.Clients.Metadata(r.Context(), c.ID); err != nil {
		return nil, false, err
	}
	verified, home := m.Verified, m.ClientURI
	if describes {
		a.readMetadata(f, r.input, m)
	}
	m.Verified = verified && !looksNew && m.ClientURI == home
	return m, describes || m.Verified != verified, nil
}

// readMetadata changes the metadata as a request says, if the store keeps any.
func (a *API) readMetadata(f *faults, in input, m *oauth.ClientMetadata) {
	if a.Clients.KeepsMetadata() {
		f.metadata(in, m)
		return
	}
	for _, field := range metadataFields {
		if _, sent := in[field]; sent {
			f.add(field, "This server does not store the "+strings.ReplaceAll(field, "_", " ")+" field.")
		}
	}
}

// update stores a changed client, in one write with its metadata if that has changed, and
// returns its record. m is nil if the metadata was not read.
func (a *API) update(r *request, c *oauth.Client, m *oauth.ClientMetadata, changed bool) (*clientRecord, error) {
	const what = "registration"
	if changed {
		if err := a.Clients.UpdateCheckedMetadata(r.Context(), c, m, what); err != nil {
			return nil, err
		}
	} else if err := a.Clients.UpdateChecked(r.Context(), c, what); err != nil {
		return nil, err
	}
	if m != nil {
		return a.clientRecord(c).with(m), nil
	}
	shown, err := a.described(r.Context(), c)
	if err != nil {
		return nil, fmt.Errorf("change client: %w", err)
	}
	return shown[0], nil
}

// deleteClient serves DELETE /oauth/clients/{id}. It revokes the client and its
// tokens, and is idempotent.
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

// clientOf returns the client that the request names. Another user's client gets
// the same response as a missing one.
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

// asRegistered returns the URIs in their registered form. The API percent-encodes a
// comma in a URI, and a form that changes only the name sends the encoded URI back.
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

// distinct returns the texts without duplicates, in order.
func distinct(texts []string) (once []string) {
	for _, text := range texts {
		if !slices.Contains(once, text) {
			once = append(once, text)
		}
	}
	return once
}
