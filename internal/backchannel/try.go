package backchannel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-passport/passport/event"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/fetch"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/oauth"
)

// waits are the times between the tries for a notice: six tries in 52 minutes.
var waits = []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute}

// retryAt returns the time of the next try, or the zero time if the last one has failed.
func retryAt(n *oauth.LogoutNotice, now time.Time) time.Time {
	if n.Tries > len(waits) {
		return time.Time{}
	}
	if at := now.Add(waits[max(n.Tries, 1)-1]); at.Before(n.ExpiresAt) {
		return at
	}
	return time.Time{}
}

// outcome is how a try has ended.
type outcome struct {
	event.LogoutOutcome
	result string // for the operator
	unsent string // the log message, if the server sent no logout token: one of those below
}

const (
	unsentGone = "no logout token was sent, because the client cannot get one any more"
	unsentHost = "no logout token was sent, because the server may not call the backchannel_logout_uri: use a public https URL; for your own client you can also add its host to BackchannelAllowedHosts"
)

// try tells a client about a notice, and stores the result. If the process ends in
// between, another one tries again after the lease.
func (s *Sender) try(ctx context.Context, n *oauth.LogoutNotice) {
	o := s.deliver(ctx, n)
	r := &oauth.LogoutResult{Notice: n, Time: clock.Now(), Result: cut(o.result), Done: o.LogoutOutcome == event.LogoutDelivered}
	if o.LogoutOutcome == event.LogoutRetried {
		if r.RetryAt = retryAt(n, r.Time); r.RetryAt.IsZero() {
			o.LogoutOutcome = event.LogoutExpired
		}
	}
	s.report(ctx, n, o, r)
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	err := s.Audit.Changes(ctx, nil, func([]*oauth.AuditRecord) ([]event.Event, error) {
		sent := event.LogoutSent{User: n.User, ClientID: n.ClientID, Outcome: o.LogoutOutcome, Result: r.Result, Tries: n.Tries}
		return []event.Event{sent}, s.Store.SettleLogout(ctx, r)
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "the result of a logout token was not stored, so it may be sent again", "client_id", n.ClientID, "user", n.User, "err", err)
	}
}

// deliver sends a new logout token: a client may refuse one that it has seen.
func (s *Sender) deliver(ctx context.Context, n *oauth.LogoutNotice) outcome {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	now := clock.Now()
	if !now.Before(n.ExpiresAt) {
		return outcome{LogoutOutcome: event.LogoutExpired, result: "not sent within an hour"}
	}
	client, err := s.Client(ctx, n.ClientID)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return outcome{event.LogoutRefused, "the client does not exist", unsentGone}
	case err != nil:
		return outcome{LogoutOutcome: event.LogoutRetried, result: "the client could not be read: " + err.Error()}
	case !client.RevokedAt.IsZero() || client.OpenID == nil || client.OpenID.BackchannelLogoutURI == "":
		return outcome{event.LogoutRefused, "the client is revoked, or has no backchannel_logout_uri any more", unsentGone}
	}
	token, err := s.IDTokens.SignLogout(idtoken.Logout{Client: client, Subject: oauth.ForUser(n.User).Claim(n.ClientID), SID: n.SID, Time: now})
	if err != nil {
		return outcome{LogoutOutcome: event.LogoutRetried, result: err.Error()}
	}
	res, err := s.fetcher(client).PostForm(ctx, client.OpenID.BackchannelLogoutURI, url.Values{"logout_token": {token}})
	switch {
	case errors.Is(err, fetch.ErrForbidden):
		return outcome{event.LogoutRefused, err.Error(), unsentHost}
	case err != nil:
		return outcome{LogoutOutcome: event.LogoutRetried, result: err.Error()}
	}
	return responded(res.Status)
}

// fetcher returns the fetcher for a client. The allowed hosts are for the operator's
// clients. A client that a user owns may be older than the setting.
func (s *Sender) fetcher(c *oauth.Client) Fetcher {
	if (c.Owner != oauth.UserRef{}) {
		return s.FetchOwned
	}
	return s.Fetch
}

// responded returns the outcome for a status. Some frameworks respond to an empty
// response with 204 (OpenID Connect Back-Channel Logout §2.8).
func responded(status int) outcome {
	result := strings.TrimSpace(fmt.Sprint(status, " ", http.StatusText(status)))
	switch {
	case status == http.StatusOK || status == http.StatusNoContent:
		return outcome{LogoutOutcome: event.LogoutDelivered, result: result}
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return outcome{LogoutOutcome: event.LogoutRetried, result: result}
	}
	return outcome{LogoutOutcome: event.LogoutRefused, result: result}
}

// report writes the log line. It never has the token.
func (s *Sender) report(ctx context.Context, n *oauth.LogoutNotice, o outcome, r *oauth.LogoutResult) {
	log := s.Log.With("client_id", n.ClientID, "user", n.User, "result", o.result, "tries", n.Tries)
	switch o.LogoutOutcome {
	case event.LogoutDelivered:
		log.InfoContext(ctx, "logout token delivered")
	case event.LogoutRetried:
		log.InfoContext(ctx, "logout token not delivered; it will be sent again", "retry_at", r.RetryAt)
	case event.LogoutExpired:
		log.WarnContext(ctx, "logout token not delivered within an hour, so the client may still have a session of the user")
	case event.LogoutRefused:
		switch o.unsent {
		case unsentGone:
			log.WarnContext(ctx, unsentGone)
		case unsentHost:
			log.WarnContext(ctx, unsentHost)
		default:
			log.WarnContext(ctx, "the client did not accept a logout token, and it will not be sent again: check its backchannel_logout_uri")
		}
	}
}

// cut bounds a result.
func cut(result string) string {
	if len(result) <= oauth.MaxLogoutResult {
		return result
	}
	return strings.ToValidUTF8(result[:oauth.MaxLogoutResult], "")
}
