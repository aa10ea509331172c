package passport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// A consent is remembered under a name for each scope and each audience: who lets
// an app read at one API has not let it read at another. At the server's own
// audience the name is the scope's ID; the other names hold a space, so that no
// scope has them.
const (
	consentToSignIn  = "sign in" // a request for no scope
	consentElsewhere = "at "
)

// consentName is the name for a scope at an audience.
func (s *Server) consentName(uri, scope string) string {
	if uri == s.config.Audience {
		return scope
	}
	return consentElsewhere + string(oauth.DigestOf(uri)) + " " + string(oauth.DigestOf(scope))
}

// unconsented returns the names of what a request asks for among the given
// scopes and the user has not agreed to. Who has agreed to any scope has agreed
// to none.
func (s *Server) unconsented(q *authorization, granted []string, scopes ...string) (names []string) {
	audiences := q.resources
	if len(audiences) == 0 {
		audiences = []string{s.config.Audience}
	}
	for _, uri := range audiences {
		if len(scopes) == 0 && !s.consentedAt(uri, granted) {
			names = append(names, s.consentName(uri, consentToSignIn))
		}
		for _, scope := range scopes {
			if !s.hasConsented(uri, scope, granted) {
				names = append(names, s.consentName(uri, scope))
			}
		}
	}
	return names
}

// hasConsented reports whether the user has agreed to a scope at an audience, or to
// one above it where scopes are inherited.
func (s *Server) hasConsented(uri, scope string, granted []string) bool {
	for {
		if slices.Contains(granted, s.consentName(uri, scope)) {
			return true
		}
		above := strings.LastIndexByte(scope, ':')
		if !s.config.InheritScopes || above < 0 {
			return false
		}
		scope = scope[:above]
	}
}

// consentedAt reports whether the user has agreed to anything at an audience.
func (s *Server) consentedAt(uri string, granted []string) bool {
	return slices.ContainsFunc(granted, func(name string) bool {
		if uri == s.config.Audience {
			return !strings.HasPrefix(name, consentElsewhere)
		}
		return strings.HasPrefix(name, consentElsewhere+string(oauth.DigestOf(uri))+" ")
	})
}

// conclude issues what a request asks for, a code or a token, and returns what the
// client is told. t is the ticket if there was a page.
func (s *Server) conclude(ctx context.Context, q *authorization, who *users.Account, t *ticket, consents []string) ([]redirect.Param, error) {
	if q.responder != nil {
		return s.issueToken(ctx, q, who, t, consents)
	}
	code, b := secret.New(), &oauth.CodeIssuance{Consents: consents, ConsentVersion: q.client.ConsentVersion}
	if t != nil {
		code, b.Ticket, b.Until = t.code(), t.ID, t.until()
	}
	if err := s.begin(ctx, q, who, b, oauth.DigestOf(code)); err != nil {
		return nil, err
	}
	return []redirect.Param{{Name: "code", Value: code}}, nil
}

// newFamily returns the family that begins with a request.
func (s *Server) newFamily(q *authorization, who *users.Account) *oauth.Family {
	return &oauth.Family{
		ID: uuid.NewV7(), User: who.Ref, ClientID: q.client.ID, AuthTime: who.User.AuthenticatedAt.UTC().Truncate(time.Microsecond), Resources: q.resources,
		Session:         digestOfSession(who.User.SessionID),
		EndsWithSession: s.config.FamiliesEndWithSession || q.client.EndsWithSession,
		CreatedAt:       q.time,
		ExpiresAt:       q.time.Add(s.policy.FamilyLife(q.client, q.browserApp())),
	}
}

// begin completes and stores a family and the code that begins it.
func (s *Server) begin(ctx context.Context, q *authorization, who *users.Account, b *oauth.CodeIssuance, code oauth.Digest) error {
	b.Family = s.newFamily(q, who)
	b.Code = &oauth.Code{
		Digest: code, Family: b.Family, Scopes: q.scopes, RedirectURI: q.params.Get("redirect_uri"),
		CodeChallenge: q.challenge, ExpiresAt: q.time.Add(s.config.CodeTTL),
	}
	record := oauth.AuditRecord{
		Action: "code.issued", Actor: oauth.ForUser(who.Ref).Claim(""), User: who.Ref, ClientID: q.client.ID, Time: q.time,
	}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		b.Audit = record
		return s.config.Store.IssueCode(ctx, b)
	}, s.consentGiven(ctx, q, who, b.Consents)...)
	if err != nil {
		return fmt.Errorf("store code: %w", err)
	}
	return nil
}

// consentGiven returns the event for the consents that a request adds: none where
// it adds none. A scope is new if one of its names is.
func (s *Server) consentGiven(ctx context.Context, q *authorization, who *users.Account, consents []string) []Event {
	if len(consents) == 0 {
		return nil
	}
	scopes := slices.DeleteFunc(slices.Clone(q.scopes), func(scope string) bool {
		names := s.unconsented(q, nil, scope) // at each audience
		return !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(consents, name) })
	})
	return []Event{ConsentGiven{Meta: audit.Meta(ctx), User: who.Ref, ClientID: q.client.ID, Scopes: scopes}}
}

// decide returns the outcome of a decision on a consent page.
func (s *Server) decide(r *http.Request, at time.Time) outcome {
	check := s.forms.Check
	if scripted(r) {
		check = s.forms.CheckScript
	}
	if err := check(r); err != nil {
		return refused(http.StatusForbidden, fmt.Errorf("%w: %w", err, oauth.AccessDenied.Errorf("the answer was sent by another site")))
	}
	decision := r.PostForm["decision"]
	if len(decision) != 1 || decision[0] != "allow" && decision[0] != "deny" || len(r.PostForm["ticket"]) != 1 {
		return refused(http.StatusBadRequest, oauth.InvalidRequest.Errorf("the answer is neither allow nor deny"))
	}
	t, err := s.openTicket(r.PostForm.Get("ticket"), at)
	if err != nil {
		return refused(http.StatusBadRequest, fmt.Errorf("%w: %w", err, errStale))
	}
	q, err := s.authorizationRequest(r.Context(), t.params, at)
	if q.from = fromOtherForm; r.Method == http.MethodPost {
		q.from = fromOurForm
	}
	if err != nil {
		return s.refuse(q, err)
	}
	return s.orRefuse(q)(s.act(r, q, t, decision[0] == "allow"))
}

// errStale is what a page is told that can no longer be answered.
var errStale = oauth.InvalidRequest.Errorf("this page has expired. Go back to the app and start again")

// act does what the user decided, if the ticket is for this browser and this account
// and the page would still show the same. If not, the page is shown again.
func (s *Server) act(r *http.Request, q *authorization, t *ticket, allow bool) (outcome, error) {
	who, err := s.signedIn(r, q)
	if err != nil {
		return nil, err
	}
	if who == nil {
		return s.sendToSignIn(r, q)
	}
	shown, err := q.shown(s.consentPage(q, who, nil))
	if err != nil {
		return nil, err
	}
	matches := t.matches(r, s.cookieName(t.ID), who.Ref, q) && t.Shown == shown
	if matches && !allow {
		return s.deny(r, q, t, who.Ref)
	}
	granted, err := s.consented(r, q, who)
	if err != nil {
		return nil, err
	}
	if !matches || len(t.Granted) > 0 && len(s.unconsented(q, granted, t.Granted...)) > 0 {
		o, err := s.showConsent(r, q, who, granted)
		o.again = true
		return o, err
	}
	return s.allow(r, q, t, who, granted)
}

// allow issues what the ticket stands for.
func (s *Server) allow(r *http.Request, q *authorization, t *ticket, who *users.Account, granted []string) (outcome, error) {
	consents := s.unconsented(q, granted, q.scopes...)
	params, err := s.conclude(r.Context(), q, who, t, consents)
	if errors.Is(err, oauth.ErrSpent) {
		return s.allowAgain(r.Context(), q, t)
	}
	if err != nil {
		return nil, err
	}
	o := s.respond(q, params...)
	o.cookies = s.lingering(r, t)
	return o, nil
}

// allowAgain answers a second click: as the first, while the code is good. A token
// is told once.
func (s *Server) allowAgain(ctx context.Context, q *authorization, t *ticket) (outcome, error) {
	if q.responder != nil {
		allowed, err := s.wasAllowed(ctx, q, t)
		return decidedOutcome{what: alreadyDecided[allowed]}, err
	}
	code, err := s.config.Store.Code(ctx, oauth.DigestOf(t.code()))
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return decidedOutcome{what: alreadyDecided[false]}, nil
	case err != nil:
		return nil, fmt.Errorf("find code: %w", err)
	case !code.SpentAt.IsZero() || !q.time.Before(code.ExpiresAt) || !code.Family.Live(q.time):
		return decidedOutcome{what: alreadyDecided[true]}, nil
	}
	return s.respond(q, redirect.Param{Name: "code", Value: t.code()}), nil
}

// alreadyDecided is what a page says for a second decision: the first one allowed
// the request, or declined it.
var alreadyDecided = map[bool]string{
	true:  "You have allowed this request already, and the app has its answer.",
	false: "You have declined this request already.",
}

// wasAllowed reports whether a used ticket was used to allow.
func (s *Server) wasAllowed(ctx context.Context, q *authorization, t *ticket) (bool, error) {
	var err error
	if q.responder != nil {
		_, err = s.config.Store.AccessToken(ctx, t.tokenID())
	} else {
		_, err = s.config.Store.Code(ctx, oauth.DigestOf(t.code()))
	}
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		return false, fmt.Errorf("find what a ticket was used for: %w", err)
	}
	return err == nil, nil
}

// errDeclined is what the client is told of a user who declined.
var errDeclined = oauth.AccessDenied.Errorf("the user declined")

// deny uses up the ticket and tells the client.
func (s *Server) deny(r *http.Request, q *authorization, t *ticket, ref UserRef) (outcome, error) {
	err := s.config.Store.UseOnce(r.Context(), oauth.SpendTicket, t.ID, t.until())
	allowed := false
	if errors.Is(err, oauth.ErrSpent) {
		allowed, err = s.wasAllowed(r.Context(), q, t)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("use up ticket: %w", err)
	case allowed:
		return decidedOutcome{what: "You have allowed this request already. To take it back, remove the app's access."}, nil
	}
	o := s.refuseClient(q, clientError(q.client.ID, fmt.Errorf("user %s:%s: %w", ref.Provider, ref.ID, errDeclined)))
	o.cookies = s.lingering(r, t)
	return o, nil
}
