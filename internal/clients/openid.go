package clients

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/fetch"
	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/oauth"
)

// OpenIDFault is a fault of a client's settings for OpenID Connect. It is
// [oauth.InvalidClientMetadata].
type OpenIDFault struct {
	Member string // its name in OpenID Connect Dynamic Client Registration §2
	Text   string // what is wrong with it, and the remedy
}

// Error implements [error].
func (f OpenIDFault) Error() string { return f.Member + " " + f.Text }

// Is reports whether target is [oauth.InvalidClientMetadata].
func (OpenIDFault) Is(target error) bool { return target == oauth.InvalidClientMetadata }

// openIDFaults are all faults of the settings.
type openIDFaults []OpenIDFault

func (f *openIDFaults) add(wrong bool, member, format string, args ...any) {
	if wrong {
		*f = append(*f, OpenIDFault{member, fmt.Sprintf(format, args...)})
	}
}

// openIDOf returns the settings for OpenID Connect of a registration; nil for none.
func openIDOf(reg Registration) *oauth.ClientOpenID {
	if reg.OpenID == nil || reflect.ValueOf(*reg.OpenID).IsZero() {
		return nil
	}
	return reg.OpenID.Clone()
}

// OpenIDOff is the fault of settings on a server that isn't an OpenID provider.
const OpenIDOff = "needs OpenID Connect, which is off: add passport.OpenID{} to Config.Features, or remove it"

// OpenIDFaults returns the faults of a client's settings for OpenID Connect. stored is the
// client before a change, or nil. Settings that are stored already are left out: they may
// be from before a key or a feature was removed, and must not prevent another change.
func (r *Registry) OpenIDFaults(c, stored *oauth.Client) []OpenIDFault {
	var f openIDFaults
	o := c.OpenID
	if o == nil || stored != nil && reflect.DeepEqual(o, stored.OpenID) {
		return nil
	}
	if r.parts.OpenID == nil {
		f.add(true, "OpenID", OpenIDOff)
		return f
	}
	if o.IDTokenAlg != "" {
		err := r.checkAlg(o.IDTokenAlg)
		f.add(err != nil, "id_token_signed_response_alg", "%v", err)
	}
	f.add(o.IDTokenTTL != 0 && o.IDTokenTTL < time.Second, "id_token_ttl", "is %v: want at least a second, or 0 for the server's lifetime", o.IDTokenTTL)
	f.add(o.DefaultMaxAge != nil && *o.DefaultMaxAge < 0, "default_max_age", "is negative: want a number of seconds")
	n := len(o.PostLogoutRedirectURIs)
	f.add(n > oauth.MaxPostLogoutRedirectURIs, "post_logout_redirect_uris", "has %d URIs: want at most %d", n, oauth.MaxPostLogoutRedirectURIs)
	for _, uri := range o.PostLogoutRedirectURIs {
		err := r.policy.CheckNewRedirectURI(uri)
		f.add(err != nil, "post_logout_redirect_uris", "has the URI %q, which %v", safeurl.Text(uri), err)
	}
	if o.BackchannelLogoutURI != "" {
		err := r.checkBackchannel(o.BackchannelLogoutURI, c)
		f.add(err != nil, "backchannel_logout_uri", "%q %v", safeurl.Text(o.BackchannelLogoutURI), err)
	}
	return f
}

// checkAlg returns an error if ID tokens can't have an algorithm. An unsigned token, or one
// that is signed with the client's secret, proves nothing to anyone else.
func (r *Registry) checkAlg(alg string) error {
	if strings.EqualFold(alg, "none") || strings.HasPrefix(alg, "HS") {
		return fmt.Errorf("can't be %s: choose an algorithm of the server's keys, such as RS256", safeurl.Name(alg))
	}
	if err := r.idTokenAlg(alg); err != nil {
		return fmt.Errorf("can't be %s: %w", safeurl.Name(alg), err)
	}
	return nil
}

// checkBackchannel returns the fault of a backchannel_logout_uri. The server posts to it:
// to public addresses alone, except for the hosts that the operator admits for their own
// clients (OpenID Connect Back-Channel Logout §2.2).
func (r *Registry) checkBackchannel(uri string, c *oauth.Client) error {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("is not an https URL: the server posts a logout token to it")
	}
	hosts, err := fetch.ParseHosts(r.parts.OpenID.BackchannelAllowedHosts)
	if err != nil {
		return err
	}
	admitted := hosts.Has(u)
	switch {
	case admitted && c.Owner.ID != "":
		return errors.New("is at a host of BackchannelAllowedHosts, which are for clients without an owner: use a public address")
	case admitted && !c.Public() && u.Scheme == "http":
		uri = "https" + strings.TrimPrefix(uri, "http") // the operator decided about the network
	}
	return r.policy.CheckNewRedirectURI(uri)
}
