package authorize

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// decideDevice stores the decision of a user about a device. There is one decision about
// a device code, so a second click finds the first one.
func (e *Endpoint) decideDevice(r *http.Request, q *request, t *ticket, account *users.Account, allow bool) (outcome, error) {
	decide, scopes := q.device.codes.Deny, q.scopes
	if allow {
		d, err := e.decision(q, memory{consents: e.consents}, r.PostForm)
		if err != nil {
			return refused(http.StatusBadRequest, clients.Named(q.client.ID, err)), nil
		}
		decide, scopes = q.device.codes.Approve, d.scopes
	}
	err := decide(r.Context(), &tokens.DeviceDecision{Device: q.device.DeviceCode, Permit: q.permit, Account: account, Scopes: scopes, Time: q.time})
	switch {
	case errors.Is(err, oauth.ErrSpent):
		return e.decidedDevice(r.Context(), q, account.Ref, allow)
	case err != nil:
		return nil, err
	}
	return deviceOutcome{common{cookies: e.tickets.shortened(r, t)}, allow}, nil
}

// decidedDevice responds to a second decision. The same one again has the same response.
func (e *Endpoint) decidedDevice(ctx context.Context, q *request, user oauth.UserRef, allow bool) (outcome, error) {
	first, err := q.device.codes.Device(ctx, q.device.Digest)
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		return nil, fmt.Errorf("find device code: %w", err)
	}
	switch {
	case err != nil || first.Pending() || first.Approved() && first.User != user:
		return nil, fmt.Errorf("the code has expired, or another user has decided: %w", errWrongCode)
	case first.Approved() == allow:
		return deviceOutcome{allowed: allow}, nil
	case allow:
		return decidedOutcome{what: alreadyDecided[false]}, nil
	}
	return e.decided(alreadyAllowed, true), nil
}

// deviceOutcome says how a user decided about a device.
type deviceOutcome struct {
	common
	allowed bool
}

func (o deviceOutcome) what() string {
	if o.allowed {
		return "Go back to your device. It continues in a few seconds."
	}
	return "The device gets no access to your account."
}

func (o deviceOutcome) html(p views.Page) htmlReply {
	return htmlReply{status: http.StatusOK, view: page.View{Name: "decided", Data: views.DecidedPage{Page: p, What: o.what(), Done: o.allowed, Device: true}}}
}

// json has the status that Laravel Passport gives its own page.
func (o deviceOutcome) json() (int, any) {
	status := "authorization-denied"
	if o.allowed {
		status = "authorization-approved"
	}
	return http.StatusOK, struct {
		Message string `json:"message"`
		Status  string `json:"status"`
	}{o.what(), status}
}
