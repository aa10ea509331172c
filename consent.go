package passport

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// Consent is remembered by scope. What else a user agrees to is remembered
// beside them under names that no scope can have, for they hold a space.
const (
	consentToSignIn   = "sign in"
	consentToResource = "resource "
)

// unconsented returns what a request asks for and the user has not agreed to.
func unconsented(q *authorization, granted []string) []string {
	asked := slices.Clone(q.scopes)
	for _, uri := range q.resources {
		asked = append(asked, consentToResource+string(oauth.DigestOf(uri)))
	}
	if len(asked) == 0 {
		asked = []string{consentToSignIn}
		if len(granted) > 0 {
			return nil
		}
	}
	return slices.DeleteFunc(asked, func(what string) bool { return slices.Contains(granted, what) })
}

// answerWithoutPage issues a code to a client that needs no asking.
func (s *Server) answerWithoutPage(w http.ResponseWriter, r *http.Request, q *authorization, ref UserRef, user *User) error {
	code := secret.New()
	if err := s.begin(r, q, ref, user, &oauth.Beginning{}, code); err != nil {
		return err
	}
	s.answer(w, r, q, redirect.Param{Name: "code", Value: code})
	return nil
}

// begin stores the family and the code that a request comes to, with what is
// set in b already.
func (s *Server) begin(r *http.Request, q *authorization, ref UserRef, user *User, b *oauth.Beginning, code string) error {
	b.Family = &oauth.Family{
		ID: uuid.NewV7(), User: ref, ClientID: q.client.ID, AuthTime: user.AuthenticatedAt.UTC().Truncate(time.Microsecond), Resources: q.resources,
		EndsWithSession: s.config.FamiliesEndWithSession || q.client.EndsWithSession,
		CreatedAt:       q.time,
		ExpiresAt:       q.time.Add(s.config.familyTTL(q.browserApp())),
	}
	if user.SessionID != "" {
		b.Family.Session = oauth.DigestOf(user.SessionID)
	}
	b.Code = &oauth.Code{
		Digest: oauth.DigestOf(code), Family: b.Family, Scopes: q.scopes, RedirectURI: q.params.Get("redirect_uri"),
		CodeChallenge: q.challenge, ExpiresAt: q.time.Add(s.config.CodeTTL),
	}
	b.Audit = s.audit(r.Context(), oauth.AuditRecord{
		Action: "code.issued", Actor: oauth.ForUser(ref).Claim(""), User: ref, ClientID: q.client.ID, Time: q.time,
	})
	if err := s.config.Store.Begin(r.Context(), b); err != nil {
		return fmt.Errorf("store code: %w", err)
	}
	return nil
}

// decide serves the answer to a consent page.
func (s *Server) decide(w http.ResponseWriter, r *http.Request, at time.Time) {
	if err := s.forms.Check(r); err != nil {
		s.showError(w, r, http.StatusForbidden, fmt.Errorf("%w: %w", err, oauth.AccessDenied.Errorf("the answer was sent by another site")))
		return
	}
	t, err := s.openTicket(r.PostForm.Get("ticket"), at)
	if err != nil {
		s.showError(w, r, http.StatusBadRequest, fmt.Errorf("%w: %w", err, errStale))
		return
	}
	params, err := t.params()
	if err != nil {
		s.showError(w, r, http.StatusBadRequest, fmt.Errorf("%w: %w", err, errStale))
		return
	}
	q, err := s.authorizationRequest(r.Context(), params, at)
	q.afterForm = true
	if err == nil {
		err = clientError(q.client.ID, s.act(w, r, q, t))
	}
	if err != nil {
		s.refuse(w, r, q, err)
	}
}

// errStale is what a page is told that can no longer be answered.
var errStale = oauth.InvalidRequest.Errorf("this page has expired. Go back to the app and start again")

// act does what the user decided, if the ticket is for this browser, this
// account and what the page showed; if it is not, the page is shown anew.
func (s *Server) act(w http.ResponseWriter, r *http.Request, q *authorization, t *ticket) error {
	ref, user, err := s.currentUser(r, q.client)
	if err != nil {
		return err
	}
	if user == nil {
		return s.sendToSignIn(w, r, q)
	}
	if again, err := q.signInAgain(user); err != nil {
		return err
	} else if again {
		return s.sendToSignIn(w, r, q)
	}
	if !t.matches(r, s.cookieName(t.ID), ref, q) {
		granted, err := s.config.Store.Consented(r.Context(), ref, q.client.ID)
		if err != nil {
			return fmt.Errorf("find consent: %w", err)
		}
		return s.showConsent(w, r, q, ref, user, granted)
	}
	switch r.PostForm.Get("decision") {
	case "allow":
		return s.allow(w, r, q, t, ref, user)
	case "deny":
		return s.deny(w, r, q, t, ref)
	}
	return oauth.InvalidRequest.Errorf("the answer is neither allow nor deny")
}

// allow issues the code that the ticket stands for.
func (s *Server) allow(w http.ResponseWriter, r *http.Request, q *authorization, t *ticket, ref UserRef, user *User) error {
	granted, err := s.config.Store.Consented(r.Context(), ref, q.client.ID)
	if err != nil {
		return fmt.Errorf("find consent: %w", err)
	}
	consents := unconsented(q, granted)
	err = s.begin(r, q, ref, user, &oauth.Beginning{Ticket: t.ID, Until: t.until(), Consents: consents}, t.code())
	if errors.Is(err, oauth.ErrSpent) {
		return s.allowAgain(w, r, q, t)
	}
	if err != nil {
		return err
	}
	if len(consents) > 0 {
		s.announce(r.Context(), func(m Meta) Event { return ConsentGiven{m, ref, q.client.ID, consents} })
	}
	http.SetCookie(w, s.ticketCookie(t.ID, "", -1))
	s.answer(w, r, q, redirect.Param{Name: "code", Value: t.code()})
	return nil
}

// allowAgain answers a second click: as the first, while the code is good.
func (s *Server) allowAgain(w http.ResponseWriter, r *http.Request, q *authorization, t *ticket) error {
	code, err := s.config.Store.Code(r.Context(), oauth.DigestOf(t.code()))
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		s.showAnswered(w, r, "You have declined this request already.")
		return nil
	case err != nil:
		return fmt.Errorf("find code: %w", err)
	case !code.SpentAt.IsZero() || !q.time.Before(code.ExpiresAt) || !code.Family.Live(q.time):
		s.showAnswered(w, r, "You have allowed this request already, and the app has its answer.")
		return nil
	}
	s.answer(w, r, q, redirect.Param{Name: "code", Value: t.code()})
	return nil
}

// deny uses up the ticket and tells the client.
func (s *Server) deny(w http.ResponseWriter, r *http.Request, q *authorization, t *ticket, ref UserRef) error {
	err := s.config.Store.UseOnce(r.Context(), oauth.SpendTicket, t.ID, t.until())
	if errors.Is(err, oauth.ErrSpent) {
		_, err = s.config.Store.Code(r.Context(), oauth.DigestOf(t.code()))
		if err == nil {
			s.showAnswered(w, r, "You have allowed this request already. To take it back, remove the app's access.")
			return nil
		}
	}
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		return fmt.Errorf("use up ticket: %w", err)
	}
	http.SetCookie(w, s.ticketCookie(t.ID, "", -1))
	return fmt.Errorf("user %s:%s: %w", ref.Provider, ref.ID, oauth.AccessDenied.Errorf("the user declined"))
}
