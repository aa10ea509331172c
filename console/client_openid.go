package console

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// clientOpenID holds the options about a client's settings for OpenID Connect.
type clientOpenID struct {
	alg             string
	ttl             duration
	claims          bool
	maxAge          maxAge
	requireAuthTime bool
	postLogout      []string
	backchannel     string
	needsSession    bool
}

// openIDOptions are the options of a clientOpenID.
var openIDOptions = []string{
	"id-token-alg", "id-token-ttl", "id-token-claims", "default-max-age", "require-auth-time",
	"post-logout-redirect-uri", "backchannel-logout-uri", "backchannel-session-required",
}

// flags defines the options. update is for a client that exists.
func (o *clientOpenID) flags(cmd *cobra.Command, update bool) {
	f, uris, empty := cmd.Flags(), "for several, repeat the option or put commas between them", ""
	if update {
		uris, empty = "the URIs that you pass replace all others, and an empty one removes them", "; an empty one removes it"
	}
	f.StringVar(&o.alg, "id-token-alg", "", "the `ALGORITHM` of its ID tokens: RS256, or that of another key (default RS256)")
	f.Var(&o.ttl, "id-token-ttl", "the `DURATION` of an ID token, such as 15m (default the server's)")
	f.BoolVar(&o.claims, "id-token-claims", false, "put the user's claims into the ID token, for an app that doesn't call UserInfo, such as Kubernetes")
	f.Var(&o.maxAge, "default-max-age", "the `DURATION` since the sign-in after which users sign in again, if a request has no max_age; none for no limit")
	f.BoolVar(&o.requireAuthTime, "require-auth-time", false, "refuse ID tokens without the time of the sign-in")
	f.StringArrayVar(&o.postLogout, "post-logout-redirect-uri", nil, "a `URI` that users may return to after they sign out; "+uris)
	f.StringVar(&o.backchannel, "backchannel-logout-uri", "", "the `URI` that the server calls if a user signs out"+empty)
	f.BoolVar(&o.needsSession, "backchannel-session-required", false, "require the ID of the session (sid) in ID tokens and in calls after a sign-out")
}

// apply changes the settings of a client as the options on the command line say.
func (o *clientOpenID) apply(c *oauth.Client, named func(option string) bool) {
	if !slices.ContainsFunc(openIDOptions, named) {
		return
	}
	if c.OpenID == nil {
		c.OpenID = new(oauth.ClientOpenID)
	}
	to := c.OpenID
	for option, change := range map[string]func(){
		"id-token-alg":                 func() { to.IDTokenAlg = o.alg },
		"id-token-ttl":                 func() { to.IDTokenTTL = time.Duration(o.ttl) },
		"id-token-claims":              func() { to.ClaimsInIDToken = o.claims },
		"default-max-age":              func() { to.DefaultMaxAge = o.maxAge.seconds },
		"require-auth-time":            func() { to.RequireAuthTime = o.requireAuthTime },
		"post-logout-redirect-uri":     func() { to.PostLogoutRedirectURIs = separated(o.postLogout, ",") },
		"backchannel-logout-uri":       func() { to.BackchannelLogoutURI = o.backchannel },
		"backchannel-session-required": func() { to.BackchannelSessionRequired = o.needsSession },
	} {
		if named(option) {
			change()
		}
	}
	if reflect.ValueOf(*to).IsZero() {
		c.OpenID = nil
	}
}

// registered returns the settings of a new client; nil if the options say nothing.
func (o *clientOpenID) registered() *oauth.ClientOpenID {
	c := new(oauth.Client)
	o.apply(c, func(string) bool { return true })
	return c.OpenID
}

// errOpenIDOff says how to turn OpenID Connect on in the binary.
var errOpenIDOff = errors.New("OpenID Connect is off: to turn it on, write the line [openid] at the end of passport.toml or set PASSPORT_OPENID_ENABLED=true in the environment")

// offersOpenID reports whether the server may be an OpenID provider. o is nil for an
// application's own server, which refuses the options itself, in the words of its Config.
func (o *opened) offersOpenID() bool { return o == nil || o.settings.issuesIDTokens() }

// existingKeys returns the keys of the server for a command that names one of their
// algorithms. It never stores keys, because a command may run as another user than the
// server.
func (o *opened) existingKeys(ctx context.Context) (*passport.Keys, error) {
	s := o.settings
	if s.keysInDatabase() || s.PrivateKey != "" {
		return o.keys(ctx, slog.New(slog.DiscardHandler))
	}
	keys, err := passport.LoadKeys(s.KeysDir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !slices.Contains(keys.Algorithms(), idTokenAlg) {
		return s.generatedKeys() // the server adds the rest when it starts
	}
	return keys, err
}

// maxAge is an option with a number of seconds, or none.
type maxAge struct{ seconds *int64 }

// Set implements pflag.Value.
func (m *maxAge) Set(s string) error {
	if s == "" || s == "none" {
		m.seconds = nil
		return nil
	}
	d, err := parseDuration(s)
	if err != nil || d < 0 || d%time.Second != 0 {
		return errors.New("want " + durationForm + ", or none")
	}
	m.seconds = new(seconds(d))
	return nil
}

// Type implements pflag.Value.
func (m *maxAge) Type() string { return "duration" }

// String implements pflag.Value. There is no default for the help.
func (m *maxAge) String() string { return "" }

// openIDJSON are the settings of a client for programs, with the names of OpenID Connect
// Dynamic Client Registration where it has them.
type openIDJSON struct {
	IDTokenAlg                 string   `json:"id_token_signed_response_alg,omitempty"`
	IDTokenTTL                 int64    `json:"id_token_ttl,omitempty"` // in seconds
	ClaimsInIDToken            bool     `json:"claims_in_id_token,omitempty"`
	DefaultMaxAge              *int64   `json:"default_max_age,omitempty"`
	RequireAuthTime            bool     `json:"require_auth_time,omitempty"`
	PostLogoutRedirectURIs     []string `json:"post_logout_redirect_uris,omitempty"`
	BackchannelLogoutURI       string   `json:"backchannel_logout_uri,omitempty"`
	BackchannelSessionRequired bool     `json:"backchannel_logout_session_required,omitempty"`
}

func describeOpenID(o *oauth.ClientOpenID) *openIDJSON {
	if o == nil {
		return nil
	}
	return &openIDJSON{
		o.IDTokenAlg, seconds(o.IDTokenTTL), o.ClaimsInIDToken, o.DefaultMaxAge, o.RequireAuthTime,
		o.PostLogoutRedirectURIs, o.BackchannelLogoutURI, o.BackchannelSessionRequired,
	}
}

// openIDDetails are the lines of `client show` about OpenID Connect.
func openIDDetails(o *oauth.ClientOpenID) []detail {
	if o == nil {
		return nil
	}
	tokens := []string{}
	for _, part := range []struct {
		given bool
		text  string
	}{
		{o.IDTokenAlg != "", o.IDTokenAlg},
		{o.IDTokenTTL != 0, spell(o.IDTokenTTL)},
		{o.ClaimsInIDToken, "with the user's claims"},
		{o.RequireAuthTime, "only with the time of the sign-in"},
		{o.BackchannelSessionRequired, "only with the ID of the session"},
	} {
		if part.given {
			tokens = append(tokens, part.text)
		}
	}
	age := ""
	if o.DefaultMaxAge != nil {
		age = "0s"
		if *o.DefaultMaxAge > 0 {
			age = spell(time.Duration(min(*o.DefaultMaxAge, maxSeconds)) * time.Second)
		}
	}
	return []detail{
		about("ID tokens", strings.Join(tokens, ", ")),
		about("Default max_age", age),
		{label: "After a sign-out", values: o.PostLogoutRedirectURIs},
		about("Back-channel logout", o.BackchannelLogoutURI),
	}
}

// logoutDetails are the lines of `client show` about the notices of sign-outs that the
// client got.
func logoutDetails(ctx context.Context, s *passport.Server, c *oauth.Client) ([]detail, error) {
	if c.OpenID == nil || c.OpenID.BackchannelLogoutURI == "" {
		return nil, nil
	}
	status, err := s.LogoutStatus(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	if status.LastAt.IsZero() {
		return []detail{about("Last notice", "none yet")}, nil
	}
	success, failures := "never", ""
	if !status.SucceededAt.IsZero() {
		success = status.SucceededAt.UTC().Format(time.RFC3339)
	}
	if status.Failures > 0 {
		failures = plural(status.Failures, "try", "tries") + " since then"
	}
	return []detail{
		about("Last notice", status.LastAt.UTC().Format(time.RFC3339)+": "+shownText(status.LastResult)),
		about("Last accepted", success),
		about("Failed", failures),
	}, nil
}

// maxSeconds is the longest duration in seconds.
const maxSeconds = int64(1<<63-1) / int64(time.Second)
