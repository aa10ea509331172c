package passport

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// apiListClients serves GET /oauth/clients: the user's own, by name, revoked ones
// apart.
func apiListClients(s *Server, r *apiRequest) (apiAnswer, error) {
	var clients []*oauth.Client
	for c, err := range s.config.Store.ClientsOf(r.Context(), r.user) {
		if err != nil {
			return apiAnswer{}, fmt.Errorf("list clients: %w", err)
		}
		if c.RevokedAt.IsZero() {
			clients = append(clients, c)
		}
	}
	slices.SortFunc(clients, func(a, b *oauth.Client) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	shown := make([]*apiClient, 0, len(clients))
	for _, c := range clients {
		shown = append(shown, s.apiClient(c))
	}
	return apiAnswer{http.StatusOK, shown}, nil
}

// apiCreateClient serves POST /oauth/clients: one for the accounts that the
// user's own is among.
func apiCreateClient(s *Server, r *apiRequest) (apiAnswer, error) {
	reg := Registration{Owner: r.user}
	var f apiFaults
	reg.Name = f.name(r.input["name"])
	reg.RedirectURIs = distinct(f.redirects(r.input["redirect"], !s.https()))
	if !f.truth("confidential", r.input["confidential"], true) {
		reg.AuthMethod = oauth.AuthNone
	}
	if err := f.err(); err != nil {
		return apiAnswer{}, err
	}
	if r.user.Provider != DefaultProvider {
		reg.Provider = r.user.Provider
	}
	made, err := s.CreateClient(r.Context(), reg)
	if err != nil {
		return apiAnswer{}, err
	}
	return apiAnswer{http.StatusCreated, s.apiNewClient(made)}, nil
}

// attempts is how often a client is read again that others change at the same
// time.
const attempts = 8

// apiUpdateClient serves PUT /oauth/clients/{id}: name and redirect URIs, and
// nothing else.
func apiUpdateClient(s *Server, r *apiRequest) (apiAnswer, error) {
	for range attempts {
		c, err := s.clientOf(r)
		if err != nil {
			return apiAnswer{}, err
		}
		var f apiFaults
		c.Name = f.name(r.input["name"])
		c.RedirectURIs = distinct(asRegistered(f.redirects(r.input["redirect"], !s.https()), c.RedirectURIs))
		if err := f.err(); err != nil {
			return apiAnswer{}, err
		}
		switch err := s.updateClient(r.Context(), c, "registration"); {
		case err == nil:
			return apiAnswer{http.StatusOK, s.apiClient(c)}, nil
		case !errors.Is(err, oauth.ErrConflict):
			return apiAnswer{}, err
		}
	}
	return apiAnswer{}, &apiError{status: http.StatusConflict, Message: "The client was changed by somebody else at the same time."}
}

// apiDeleteClient serves DELETE /oauth/clients/{id}: the client and its tokens
// end. Again, it is no error.
func apiDeleteClient(s *Server, r *apiRequest) (apiAnswer, error) {
	c, err := s.clientOf(r)
	if err != nil {
		return apiAnswer{}, err
	}
	if c.RevokedAt.IsZero() {
		if err := s.RevokeClient(r.Context(), c.ID); err != nil {
			return apiAnswer{}, err
		}
	}
	return apiAnswer{status: http.StatusNoContent}, nil
}

// clientOf returns the client that the request names. Another's is answered as
// one that is not there.
func (s *Server) clientOf(r *apiRequest) (*oauth.Client, error) {
	c, err := s.config.Store.Client(r.Context(), r.id)
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
