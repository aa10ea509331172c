package passport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/oauth"
)

// token serves /oauth/token (RFC 6749 §3.2).
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions {
		preflight(w, r)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		writeJSON(w, http.StatusMethodNotAllowed, oauth.InvalidRequest.Errorf("the token endpoint takes POST"))
		return
	}
	res, client, err := s.exchange(r)
	allowOrigin(w, r, client)
	if err != nil {
		s.writeError(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, res)
}

// exchange is a token request from top to bottom. It returns the client as soon
// as that is known, also with an error.
func (s *Server) exchange(r *http.Request) (*tokenResponse, *oauth.Client, error) {
	form, at, err := formBody(r)
	if err != nil {
		return nil, nil, err
	}
	creds, err := clientCredentials(r, form)
	if err != nil {
		return nil, nil, err
	}
	client, err := s.authenticate(r.Context(), creds, at)
	if err != nil {
		return nil, nil, clientError(unproven(creds.id), err)
	}
	g, err := s.chosenGrant(client, form.Get("grant_type"))
	if err != nil {
		return nil, client, clientError(client.ID, err)
	}
	req, err := s.tokenRequest(client, g.GrantType(), form, at)
	if err != nil {
		return nil, client, clientError(client.ID, err)
	}
	res, err := s.grant(r.Context(), g, req)
	return res, client, clientError(client.ID, err)
}

func (s *Server) chosenGrant(client *oauth.Client, grantType string) (oauth.Grant, error) {
	if grantType == "" {
		return nil, oauth.InvalidRequest.Errorf("grant_type is required")
	}
	g, ok := s.grants[grantType]
	if !ok {
		return nil, oauth.UnsupportedGrantType.Errorf("this grant_type is not supported")
	}
	if !client.Allows(g.GrantType()) {
		return nil, oauth.UnauthorizedClient.Errorf("the client may not use the grant %s", g.GrantType())
	}
	return g, nil
}

func (s *Server) tokenRequest(client *oauth.Client, grantType string, form url.Values, at time.Time) (*oauth.TokenRequest, error) {
	scopes, err := s.policy.RequestedScopes(client, form.Get("scope"), grantType)
	if err != nil {
		return nil, err
	}
	resources, err := s.policy.RequestedResources(form["resource"])
	if err != nil {
		return nil, err
	}
	return &oauth.TokenRequest{
		Client: client, Scopes: scopes, Resources: resources, Audience: s.config.Audience, InheritScopes: s.config.InheritScopes,
		Form: form, Time: at, Store: s.config.Store, Users: s.users.Provider,
	}, nil
}

// grant asks g what may be issued and issues it. If somebody else used up the
// same value in the meantime, g is asked once more: it then answers with what
// was issued, or finds a replay.
func (s *Server) grant(ctx context.Context, g oauth.Grant, r *oauth.TokenRequest) (*tokenResponse, error) {
	for last := false; ; last = true {
		a, err := g.Authorize(ctx, r)
		if replay, ok := errors.AsType[*oauth.ReplayError](err); ok {
			return nil, s.endFamily(ctx, replay, r.Time)
		}
		if err != nil {
			return nil, err
		}
		i := &issuing{Authorization: a, client: r.Client, grantType: g.GrantType(), time: r.Time}
		res, _, err := s.issue(ctx, i)
		if !errors.Is(err, oauth.ErrSpent) {
			return res, goneAs(oauth.InvalidGrant, err)
		}
		if last {
			return nil, oauth.InvalidGrant.Errorf("the %s was used before", a.Spends.Purpose)
		}
	}
}

// actsFor refuses a user of another provider than the client's own. A grant that
// forgot to look could make user 1 of the one out of user 1 of the other; and a
// client that was moved to another provider has lost the users that it had.
func (s *Server) actsFor(c *oauth.Client, a *oauth.Authorization) error {
	user, isUser := a.Subject.User()
	if provider := cmp.Or(c.Provider, DefaultProvider); isUser && user.Provider != provider {
		return fmt.Errorf("the user is one of the provider %q, and the client acts for those of %q: %w", user.Provider, provider,
			oauth.InvalidGrant.Errorf("the client does not act for this user"))
	}
	return nil
}

// endFamily revokes all that came of a value which was used twice, and returns
// what the client is told (RFC 9700 §4.14.2).
func (s *Server) endFamily(ctx context.Context, replay *oauth.ReplayError, at time.Time) error {
	f := replay.Family
	if f == nil { // of a grant for clients alone: nothing descends from it
		return oauth.InvalidGrant.Errorf("%s", replay)
	}
	record := oauth.AuditRecord{Action: "token.replayed", User: f.User, ClientID: f.ClientID, Reason: replay.Error(), Time: at}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		err := s.config.Store.RevokeFamily(ctx, f.ID, at, record)
		if errors.Is(err, oauth.ErrNotFound) { // purged by now: it has ended too
			return nil
		}
		return err
	}, Replayed{Meta: audit.Meta(ctx), What: replay.What, Family: f})
	if err != nil {
		return fmt.Errorf("revoke family: %w", err)
	}
	return oauth.InvalidGrant.Errorf("%s; everything issued for it has been revoked", replay)
}
