package dashboard

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// The fields of the form. Values of the sealed form have the same names.
const (
	nameField   = "name"
	scopeField  = "scope"
	expiryField = "expiry"
	dateField   = "date"
	onceField   = "once"
)

// untilDate is the value of expiryField for a date.
const untilDate = "date"

// presets are the lifetimes to choose from, in days.
var presets = []int{7, 30, 60, 90}

// The maximum length of a name, in characters and in bytes.
const (
	maxTokenName      = 191
	maxTokenNameBytes = 255
)

// tokenForm is the form of a new token, with what is wrong in it.
type tokenForm struct {
	Name, Expiry, Date string
	Scopes             []string

	NameFault, ScopeFault, DateFault string
}

// formOf returns the form as the user has typed it.
func formOf(values url.Values) tokenForm {
	return tokenForm{Name: values.Get(nameField), Scopes: values[scopeField], Expiry: values.Get(expiryField), Date: values.Get(dateField)}
}

// values returns the form for the way through the sign-in page.
func (f tokenForm) values() url.Values {
	return url.Values{nameField: {f.Name}, scopeField: f.Scopes, expiryField: {f.Expiry}, dateField: {f.Date}}
}

// ofLink returns the form of a link with ?name=&scopes=, whose scopes are separated by
// spaces or commas.
func ofLink(query url.Values) tokenForm {
	return tokenForm{Name: query.Get("name"), Scopes: strings.FieldsFunc(query.Get("scopes"), func(r rune) bool { return r == ' ' || r == ',' })}
}

// empty reports whether nothing is filled in.
func (f tokenForm) empty() bool { return f.Name == "" && len(f.Scopes) == 0 }

// Has reports whether a scope is selected.
func (f tokenForm) Has(scope string) bool { return slices.Contains(f.Scopes, scope) }

// Faulty reports whether the user has to correct something.
func (f tokenForm) Faulty() bool { return f.NameFault+f.ScopeFault+f.DateFault != "" }

// maxQuery is the maximum length of a link's query that outlives a sign-in.
const maxQuery = 2 << 10

// askForToken shows the form of a new token, to a user who has authenticated recently.
func (d *Dashboard) askForToken(w http.ResponseWriter, r *http.Request) {
	path, here := d.path+newTokenPath, d.path+newTokenPath
	if query := r.URL.RawQuery; query != "" && len(query) <= maxQuery {
		here += "?" + r.URL.Query().Encode()
	}
	v := d.signedIn(w, r, here)
	if v == nil {
		return
	}
	form, visit := ofLink(r.URL.Query()), d.auth.Reauthenticated(r, v.ref, v.User)
	if visit != nil && visit.Form != nil {
		form = formOf(visit.Form)
	}
	switch recent := d.auth.AuthenticatedRecently(v.User); {
	case recent:
		v.Notice = form.notice(visit)
		d.showNewToken(w, r, http.StatusOK, v, form)
	case visit != nil && visit.Unmoved:
		d.unconfirmed(w, r, v, path, form.values())
	default:
		d.confirm(w, r, v, path, form.values())
	}
}

// otherAccount is the notice for a form that another user of the browser filled in.
const otherAccount = "You signed in with another account, so the form is empty."

// notice says where a form comes from; visit is nil if the browser does not come from the
// sign-in page.
func (f tokenForm) notice(visit *passport.Reauthenticated) string {
	switch {
	case visit != nil && visit.Other:
		return otherAccount
	case visit != nil && visit.Form == nil:
		return "The form was too long to keep. Please fill it in again."
	case f.Expiry != "": // the user had sent it
		return "Thanks, it’s you. The token isn’t created yet: check the form and send it again."
	case !f.empty():
		return "A link filled in this form. Check the name and the scopes before you create the token."
	}
	return ""
}

// showNewToken shows the form of a new token.
func (d *Dashboard) showNewToken(w http.ResponseWriter, r *http.Request, status int, v *view, form tokenForm) {
	scopes, err := d.auth.PersonalTokenScopes(r.Context(), v.ref.Provider)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	v.Title, v.Field = "New token", d.formField(w, r)
	v.Once = newOnce(v.ref, time.Now())
	v.Choose = d.choices(scopes, &form)
	v.Form = &form
	d.render(w, r, status, "new_token", v)
}

// choices are what the form of a new token offers.
type choices struct {
	Groups      []views.ConsentGroup
	Folded      bool
	Presets     []int  // in days
	First, Last day    // of the date
	Longest     string // in words
	Dates       bool
	MaxName     int
}

// choices returns what the form offers, and replaces what it does not offer.
func (d *Dashboard) choices(scopes []oauth.Scope, form *tokenForm) choices {
	var p views.ConsentPage
	for _, s := range scopes {
		p.Scopes = append(p.Scopes, views.ConsentScope{
			ID: s.ID, Description: cmp.Or(page.Text(s.Description, maxText), s.ID),
			Group: page.ScopeGroup(s), CanChange: s.CanChange, Sensitive: s.Sensitive,
		})
	}
	now, ttl := time.Now(), d.auth.PersonalTokenTTL()
	c := choices{
		Groups: p.NewGroups(), Folded: p.Folded(), MaxName: maxTokenName, Longest: lifetime(ttl),
		First: day{now.AddDate(0, 0, 1)}, Last: day{now.Add(ttl)}, Dates: ttl >= 2*24*time.Hour,
	}
	for _, days := range presets {
		if within(days, ttl) {
			c.Presets = append(c.Presets, days)
		}
	}
	if form.Expiry == "" && len(c.Presets) > 0 {
		form.Expiry = strconv.Itoa(c.Presets[min(1, len(c.Presets)-1)])
	}
	return c
}

func within(days int, ttl time.Duration) bool { return time.Duration(days)*24*time.Hour <= ttl }

// lifetime returns a duration in words.
func lifetime(ttl time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case ttl == day:
		return "1 day"
	case ttl%day == 0:
		return strconv.Itoa(int(ttl/day)) + " days"
	}
	return ttl.String()
}

// createToken handles the form of a new token.
func (d *Dashboard) createToken(w http.ResponseWriter, r *http.Request) {
	values, err := d.forms.Read(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	path := d.path + newTokenPath
	v := d.signedIn(w, r, path)
	if v == nil {
		return
	}
	form, now := formOf(values), time.Now()
	foreign := ofAnother(values.Get(onceField), v.ref)
	if foreign {
		form = tokenForm{}
	}
	if !d.auth.AuthenticatedRecently(v.User) {
		d.confirm(w, r, v, path, form.values())
		return
	}
	if !foreign && fresh(values.Get(onceField), now) {
		d.createOnce(w, r, v, &form, values.Get(onceField))
		return
	}
	v.Notice = "The form was open for too long. The token isn’t created yet: check the form and send it again."
	if foreign {
		v.Notice = otherAccount
	}
	d.showNewToken(w, r, http.StatusUnprocessableEntity, v, form)
}

// formTTL is how long the form of a new token may be open. It is less than
// passport.PersonalToken.Once is remembered.
const formTTL = 12 * time.Hour

// newOnce returns a one-time value for the form of a user. It names the user by a digest,
// because another user can sign in while the form is open.
func newOnce(user oauth.UserRef, at time.Time) string {
	return strconv.FormatInt(at.Unix(), 10) + "." + secret.New() + "." + string(oauth.DigestOf(owner(user)))
}

func owner(user oauth.UserRef) string { return user.Provider + ":" + user.ID }

// ofAnother reports whether a form was opened by another user.
func ofAnother(once string, user oauth.UserRef) bool {
	parts := strings.Split(once, ".")
	return len(parts) == 3 && !oauth.Digest(parts[2]).Matches(owner(user))
}

// fresh reports whether the one-time value of a form is one of ours and not too old.
func fresh(once string, at time.Time) bool {
	parts := strings.Split(once, ".")
	if len(parts) != 3 {
		return false
	}
	seconds, random := parts[0], parts[1]
	unix, err := strconv.ParseInt(seconds, 10, 64)
	age := at.Sub(time.Unix(unix, 0))
	return err == nil && secret.WellFormed(random) && age > -formTTL && age < formTTL
}

// createOnce creates the token of a form, unless the form was sent before.
func (d *Dashboard) createOnce(w http.ResponseWriter, r *http.Request, v *view, form *tokenForm, once string) {
	r = withActor(r, v.ref)
	token := passport.PersonalToken{User: v.ref, Name: form.Name, Scopes: form.Scopes, Once: once, ExpiresAt: form.check(time.Now(), d.auth.PersonalTokenTTL())}
	if form.Faulty() {
		d.showNewToken(w, r, http.StatusUnprocessableEntity, v, *form)
		return
	}
	created, err := d.auth.CreatePersonalToken(r.Context(), token)
	switch {
	case errors.Is(err, oauth.ErrSpent): // a reload, or a second click
		v.Notice = "This form was sent before. The token is in the list; its text was shown only once."
		d.showTokens(w, r, http.StatusOK, v)
		return
	case errors.Is(err, oauth.ErrLimit):
		v.Notice = "You have reached the limit of tokens. Revoke one first."
		d.showTokens(w, r, http.StatusUnprocessableEntity, v)
		return
	case errors.Is(err, oauth.InvalidScope):
		form.ScopeFault = "One of these scopes isn’t available. Check your selection."
	case errors.Is(err, oauth.InvalidRequest): // the rest is checked
		form.NameFault = "Use letters, digits and punctuation only."
	case err != nil:
		d.fail(w, r, err)
		return
	}
	if form.Faulty() {
		d.log.InfoContext(r.Context(), "personal access token refused", "request_id", reqinfo.From(r.Context()).ID, "user", v.ref, "err", err)
		d.showNewToken(w, r, http.StatusUnprocessableEntity, v, *form)
		return
	}
	d.log.InfoContext(r.Context(), "personal access token created", "request_id", reqinfo.From(r.Context()).ID, "user", v.ref, "token", created.Token.ID, "amr", v.User.AMR)
	d.showCreated(w, r, v, created)
}

// check sets what is wrong in the form, and returns when the token expires.
func (f *tokenForm) check(now time.Time, ttl time.Duration) (expires time.Time) {
	f.Name = strings.TrimSpace(f.Name)
	switch {
	case f.Name == "":
		f.NameFault = "Enter a name, so that you recognize the token later."
	case utf8.RuneCountInString(f.Name) > maxTokenName:
		f.NameFault = "Use at most " + strconv.Itoa(maxTokenName) + " characters."
	case len(f.Name) > maxTokenNameBytes: // most alphabets need more than one byte for a letter
		f.NameFault = "Use a shorter name."
	}
	if f.Expiry != untilDate {
		days, err := strconv.Atoi(f.Expiry)
		switch {
		case f.Expiry == "" && !within(presets[0], ttl): // the form offers no choice
			return time.Time{}
		case err != nil || !slices.Contains(presets, days) || !within(days, ttl):
			f.DateFault = "Choose when the token expires."
		}
		return now.Add(time.Duration(days) * 24 * time.Hour) // as within counts
	}
	expires, err := time.Parse(time.DateOnly, f.Date)
	switch {
	case err != nil:
		f.DateFault = "Enter a date, such as " + day{now.AddDate(0, 0, 14)}.Date() + "."
	case !expires.After(now):
		f.DateFault = "Choose a date after today."
	case expires.After(now.Add(ttl)):
		f.DateFault = "Choose a date until " + day{now.Add(ttl)}.String() + "."
	}
	return expires
}

// showCreated shows a new token, which is not shown again.
func (d *Dashboard) showCreated(w http.ResponseWriter, r *http.Request, v *view, created *passport.NewToken) {
	shown := d.shownToken(created.Token, time.Now())
	v.Title, v.Token, v.Secret = "Your new token", &shown, created.AccessToken
	v.Curl = `curl -H "Authorization: Bearer ` + created.AccessToken + `" ` + d.auth.Audience()
	d.render(w, r, http.StatusOK, "token", v)
}
