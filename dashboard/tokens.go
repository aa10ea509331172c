package dashboard

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// token is a personal access token as the pages show it.
type token struct {
	ID, Name, Shown string
	Scopes          []string // in words
	Since, Ends     day
	Expired         bool
	Ended           bool // it does not work for another reason
	Used            *use // nil if no use is known
}

func (d *Dashboard) shownToken(t *oauth.AccessToken, now time.Time) token {
	shown := token{
		ID: t.ID, Name: cmp.Or(page.Text(t.Name, maxTokenName), "A token without a name"), Shown: d.recognizable(t),
		Since: day{t.IssuedAt}, Ends: day{t.ExpiresAt}, Expired: !now.Before(t.ExpiresAt),
	}
	shown.Ended = !shown.Expired && !t.Live(now)
	shown.Used = shownUse(t.LastUsedAt, t.LastUsedAddress, t.LastUsedAgent, now)
	for _, s := range d.auth.ScopesFor(t.Scopes...) {
		shown.Scopes = append(shown.Scopes, page.Text(cmp.Or(s.Description, s.ID), maxText))
	}
	return shown
}

// recognizable returns what the user sees of a token: how it begins and ends. The server
// keeps no more of it, and nothing of tokens that are older than the column of the hint.
func (d *Dashboard) recognizable(t *oauth.AccessToken) string {
	switch {
	case t.Hint == "":
		return ""
	case t.Digest == "": // a JWT
		return "eyJ…" + t.Hint
	}
	return d.auth.PersonalTokenPrefix() + "…" + t.Hint
}

// listTokens shows the user's personal access tokens.
func (d *Dashboard) listTokens(w http.ResponseWriter, r *http.Request) {
	here := d.path + tokensPath
	if n := pageNumber(r); n > 1 {
		here += "?page=" + strconv.Itoa(n)
	}
	if v := d.signedIn(w, r, here); v != nil {
		d.showTokens(w, r, http.StatusOK, v)
	}
}

// showTokens shows the list as it is now, with the messages in v.
func (d *Dashboard) showTokens(w http.ResponseWriter, r *http.Request, status int, v *view) {
	all, err := d.auth.PersonalTokens(r.Context(), v.ref)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	now := time.Now()
	for _, t := range all {
		if t.Live(now) {
			v.Live++
		}
	}
	slices.Reverse(all) // the newest first
	v.Title, v.All, v.Limit = "Personal access tokens", len(all), d.auth.MaxPersonalTokensPerUser()
	v.Full = v.Limit > 0 && v.Live >= v.Limit
	for _, t := range pageOf(v, d.path+tokensPath, pageNumber(r), all) {
		v.Tokens = append(v.Tokens, d.shownToken(t, now))
		v.AnyUsed = v.AnyUsed || !t.LastUsedAt.IsZero()
	}
	d.render(w, r, status, "tokens", v)
}

const notYourToken = "That token was revoked already, or it isn’t yours."

// askToRevoke asks for confirmation.
func (d *Dashboard) askToRevoke(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("token_id")
	v := d.signedIn(w, r, d.revokeURL(id))
	if v == nil {
		return
	}
	t, err := d.findToken(r, v, id)
	switch {
	case err != nil:
		d.fail(w, r, err)
	case t == nil:
		v.Notice = notYourToken
		d.showTokens(w, r, http.StatusNotFound, v)
	default:
		v.Title, v.Token, v.Field = "Revoke "+t.Name+"?", t, d.formField(w, r)
		d.render(w, r, http.StatusOK, "revoke_token", v)
	}
}

// revoke handles the form of one token. It needs no recent authentication: the owner of a
// token that has leaked is in a hurry.
func (d *Dashboard) revoke(w http.ResponseWriter, r *http.Request) {
	form, err := d.forms.Read(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	id := form.Get("token_id")
	v := d.signedIn(w, r, d.revokeURL(id))
	if v == nil {
		return
	}
	r = withActor(r, v.ref)
	t, err := d.findToken(r, v, id)
	switch {
	case err != nil:
		d.fail(w, r, err)
		return
	case t == nil: // a second click, or another tab
		v.Notice = notYourToken
		d.showTokens(w, r, http.StatusOK, v)
		return
	}
	if err := d.auth.RevokeToken(r.Context(), id); err != nil {
		d.fail(w, r, err)
		return
	}
	d.log.InfoContext(r.Context(), "personal access token revoked", "request_id", reqinfo.From(r.Context()).ID, "user", v.ref, "token", id)
	v.Done = &done{"The token ", t.Name, " was revoked. It no longer works."}
	d.showTokens(w, r, http.StatusOK, v)
}

func (d *Dashboard) revokeURL(id string) string {
	return d.path + revokeTokenPath + "?" + url.Values{"token_id": {id}}.Encode()
}

// findToken returns a token of the user; nil if it is not among them.
func (d *Dashboard) findToken(r *http.Request, v *view, id string) (*token, error) {
	all, err := d.auth.PersonalTokens(r.Context(), v.ref)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if t.ID == id {
			shown := d.shownToken(t, time.Now())
			return &shown, nil
		}
	}
	return nil, nil
}
