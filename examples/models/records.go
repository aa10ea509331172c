package main

import (
	"context"
	"maps"
	"strconv"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Records is Passport's store with this shop's data in its records: clients have a
// trial, codes and tokens have a branch of the shop, and refresh tokens count their
// renewals.
type Records struct {
	oauth.Store

	// BranchOf returns the branch of a customer. Nil: no branches.
	BranchOf func(ctx context.Context, customerID string) (string, error)
}

// Unwrap lets the server find the optional powers of the inner store.
func (s Records) Unwrap() oauth.Store { return s.Store }

// trial is how long a third-party app may be tried.
const trial = 30 * 24 * time.Hour

// CreateClient gives a client its attributes, whether a command, the JSON API or a
// page of the shop creates it. A client with a Key is the server's own.
func (s Records) CreateClient(ctx context.Context, c *oauth.Client, audit *oauth.AuditRecord) error {
	if c.Key == "" && c.Attributes["first-party"] != "yes" {
		c.Attributes = with(c.Attributes, "trial-ends", c.CreatedAt.Add(trial).Format(time.RFC3339))
	}
	return s.Store.CreateClient(ctx, c, audit)
}

// Client is called for each request of a client. A client whose trial has ended is
// suspended, unless the attribute is removed.
func (s Records) Client(ctx context.Context, id string) (*oauth.Client, error) {
	c, err := s.Store.Client(ctx, id)
	if err != nil {
		return nil, err
	}
	return onTrial(c), nil
}

// AccessToken is called for each guarded request. The inner store joins its own
// record of the client, so this method must apply the trial, too.
func (s Records) AccessToken(ctx context.Context, id string) (*oauth.AccessToken, error) {
	t, err := s.Store.AccessToken(ctx, id)
	if err != nil {
		return nil, err
	}
	t.Client = onTrial(t.Client)
	return t, nil
}

// OpaqueToken is called instead for a token that isn't a JWT.
func (s Records) OpaqueToken(ctx context.Context, d oauth.Digest) (*oauth.AccessToken, error) {
	t, err := s.Store.OpaqueToken(ctx, d)
	if err != nil {
		return nil, err
	}
	t.Client = onTrial(t.Client)
	return t, nil
}

// UpdateClient stores a client that Client returned. The end of a trial must not be
// stored as a suspension.
func (s Records) UpdateClient(ctx context.Context, c *oauth.Client, audit *oauth.AuditRecord) error {
	stored, err := s.Store.Client(ctx, c.ID)
	if err != nil {
		return err
	}
	changed := *c
	if stored.SuspendedAt.IsZero() && c.SuspendedAt.Equal(onTrial(stored).SuspendedAt) {
		changed.SuspendedAt = time.Time{}
	}
	return s.Store.UpdateClient(ctx, &changed, audit)
}

func onTrial(c *oauth.Client) *oauth.Client {
	ends, err := time.Parse(time.RFC3339, c.Attributes["trial-ends"])
	if err == nil && c.SuspendedAt.IsZero() && !time.Now().Before(ends) {
		c.SuspendedAt = ends
	}
	return c
}

// IssueCode stores a code with attributes. Its tokens get the attributes, and so do
// the tokens that replace them.
func (s Records) IssueCode(ctx context.Context, b *oauth.CodeIssuance) error {
	if user := b.Family.User; s.BranchOf != nil && user.Provider == passport.DefaultProvider {
		branch, err := s.BranchOf(ctx, user.ID)
		if err != nil {
			return err // logged; the browser gets server_error
		}
		b.Code.Attributes = with(b.Code.Attributes, "branch", branch)
	}
	return s.Store.IssueCode(ctx, b)
}

// Issue stores tokens. JWTs are already signed, so claims depend on the attributes
// of the client or the code.
func (s Records) Issue(ctx context.Context, i *oauth.Issuance) error {
	t := i.AccessToken
	if branch := t.Client.Attributes["branch"]; t.Family == nil && branch != "" { // a client's own token
		t.Attributes = with(t.Attributes, "branch", branch)
	}
	if i.Spends.Purpose == oauth.SpendRefreshToken && i.RefreshToken != nil {
		n, _ := strconv.Atoi(i.RefreshToken.Attributes["renewals"]) // zero at first
		i.RefreshToken.Attributes = with(i.RefreshToken.Attributes, "renewals", strconv.Itoa(n+1))
	}
	return s.Store.Issue(ctx, i)
}

// with returns attributes with one more. Records share attributes, so with changes
// a copy.
func with(attributes map[string]string, name, value string) map[string]string {
	more := maps.Clone(attributes)
	if more == nil {
		more = map[string]string{}
	}
	more[name] = value
	return more
}
