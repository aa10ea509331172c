package laravelimport

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-passport/passport/oauth"
)

// Report is what an import did, or would do.
type Report struct {
	Source   string    `json:"source"`
	DryRun   bool      `json:"dry_run"`
	Version  string    `json:"version"` // of Laravel Passport, as its tables show it: "9 to 12" or "13"
	At       time.Time `json:"at"`
	Switched bool      `json:"switched"`

	Options Options `json:"options"`
	Taken   Options `json:"options_of_last_import"` // those of Options that were not given

	// NewestCreatedAt is when Laravel issued its newest access token; zero if it has none.
	NewestCreatedAt time.Time `json:"newest_created_at,omitzero"`

	// CheckedBy says what has proved that the application key is right; empty if the
	// database has nothing that is encrypted with it.
	CheckedBy string `json:"key_checked_by,omitempty"`

	Imported      Counts `json:"imported"`
	Unowned       int    `json:"unowned"`         // of the refresh tokens: their access token was purged
	OfClients     int    `json:"of_clients"`      // of the access tokens: they have no user
	Refreshable   int    `json:"refreshable"`     // of the access tokens: they have ended, and are kept for their refresh token
	KeptForReplay int    `json:"kept_for_replay"` // used codes and refresh tokens
	Ended         int    `json:"ended"`           // of an earlier import, because Laravel has ended them since

	AccountsDisabled         int `json:"accounts_disabled"`           // because Laravel has deleted the user since an earlier import
	AccountsWithSecondFactor int `json:"accounts_with_second_factor"` // in Laravel; this server asks for none

	LeftOut   []LeftOut `json:"left_out"`
	Notes     []string  `json:"notes"`      // about single clients
	MoreNotes int       `json:"more_notes"` // that Notes has no room for
	Settings  Settings  `json:"settings"`

	// Providers are the user providers of imported clients, without the default one.
	Providers []Provider `json:"providers,omitempty"`

	users, numericUsers int
}

// Counts are numbers of records.
type Counts struct {
	Clients        int `json:"clients"`
	AccessTokens   int `json:"access_tokens"`
	PersonalTokens int `json:"personal_tokens"`
	RefreshTokens  int `json:"refresh_tokens"`
	Codes          int `json:"codes"`
	Consents       int `json:"consents"` // tokens whose scopes were added
	Accounts       int `json:"accounts"`
}

// Provider is a user provider of Laravel, with the numbers of its records that are alive.
type Provider struct {
	Name         string `json:"name"`
	Clients      int    `json:"clients"`
	AccessTokens int    `json:"access_tokens"` // of users
}

// maxProviders bounds the providers in a report.
const maxProviders = 100

// provider returns the numbers of a provider, to be raised.
func (r *Report) provider(name string) *Provider {
	for i := range r.Providers {
		if r.Providers[i].Name == name {
			return &r.Providers[i]
		}
	}
	if name == "" || len(r.Providers) == maxProviders {
		return new(Provider) // not reported
	}
	r.Providers = append(r.Providers, Provider{Name: name})
	return &r.Providers[len(r.Providers)-1]
}

// LeftOut is a number of rows that are not imported, and the reason.
type LeftOut struct {
	What  string `json:"what"`
	Why   string `json:"why"`
	Count int    `json:"count"`
}

// Settings are proposed settings of the server.
type Settings struct {
	NumericUserIDs         bool   `json:"numeric_user_ids"`
	NumericClientIDs       bool   `json:"numeric_client_ids"`
	PersonalAccessClientID string `json:"personal_access_client_id,omitempty"`

	// PersonalSecretHashed is true if the secret of that client is stored as a hash, so
	// that the operator has to look it up or replace it.
	PersonalSecretHashed bool `json:"personal_secret_hashed,omitempty"`

	// PasswordClients is the number of clients with the password grant.
	PasswordClients int `json:"password_clients,omitempty"`

	// AllowedRedirectSchemes and AllowedRedirectURIs are values of --allow-redirect that the
	// server does not admit. Without them, it refuses the redirect URIs of imported clients.
	AllowedRedirectSchemes []string `json:"allowed_redirect_schemes,omitempty"`
	AllowedRedirectURIs    []string `json:"allowed_redirect_uris,omitempty"`

	// Scopes are those of the imported tokens, at most maxScopes. A token loses a scope
	// that the server doesn't define at its first refresh.
	Scopes     []string `json:"scopes,omitempty"`
	MoreScopes bool     `json:"more_scopes,omitempty"`
}

// maxScopes bounds the scopes in a report.
const maxScopes = 100

func (s *Settings) addScopes(names []string) {
	for _, name := range names {
		switch {
		case name == oauth.AllScopes || slices.Contains(s.Scopes, name):
		case len(s.Scopes) == maxScopes:
			s.MoreScopes = true
		default:
			s.Scopes = append(s.Scopes, name)
		}
	}
}

func (r *Report) leaveOut(what, why string, n int) {
	for i := range r.LeftOut {
		if r.LeftOut[i].What == what && r.LeftOut[i].Why == why {
			r.LeftOut[i].Count += n
			return
		}
	}
	r.LeftOut = append(r.LeftOut, LeftOut{what, why, n})
}

// maxNotes bounds the notes about single clients.
const maxNotes = 100

// note adds a note. It is one line: users of Laravel choose the names of clients.
func (r *Report) note(text string) {
	if len(r.Notes) == maxNotes {
		r.MoreNotes++
		return
	}
	r.Notes = append(r.Notes, strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return unicode.ReplacementChar
		}
		return c
	}, text))
}

// sort puts the reasons into an order that does not depend on the rows.
func (r *Report) sort() {
	slices.Sort(r.Settings.Scopes)
	slices.SortFunc(r.Providers, func(a, b Provider) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(r.LeftOut, func(a, b LeftOut) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Why, b.Why))
	})
}
