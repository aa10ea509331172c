package clients_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// withSettings is a registration with settings for OpenID Connect.
func withSettings(o oauth.ClientOpenID, change ...func(*passport.Registration)) passport.Registration {
	reg := passport.Registration{Name: "Wiki", RedirectURIs: []string{"https://wiki.example/cb"}, OpenID: &o}
	for _, f := range change {
		f(&reg)
	}
	return reg
}

func TestClients_OI_170_OpenIDSettingsAreStored(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	want := &oauth.ClientOpenID{
		IDTokenAlg: "ES256", IDTokenTTL: 5 * time.Minute, ClaimsInIDToken: true, DefaultMaxAge: new(int64(3600)), RequireAuthTime: true,
		PostLogoutRedirectURIs: []string{"https://wiki.example/bye?x=1", "http://127.0.0.1:8080/bye"},
		BackchannelLogoutURI:   "https://wiki.example/backchannel", BackchannelSessionRequired: true,
	}
	created, err := s.CreateClient(t.Context(), withSettings(*want))
	s.Works(err)
	c, err := s.Client(t.Context(), created.Client.ID)
	s.Works(err)
	if !reflect.DeepEqual(c.OpenID, want) {
		t.Errorf("the stored settings are %+v, want %+v", c.OpenID, want)
	}
	c.OpenID.IDTokenAlg, c.OpenID.DefaultMaxAge = "", new(int64(0))
	s.Works(s.UpdateClient(t.Context(), c))
	if c, err = s.Client(t.Context(), c.ID); err != nil || c.OpenID.IDTokenAlg != "" || *c.OpenID.DefaultMaxAge != 0 || c.ConsentVersion != created.Client.ConsentVersion {
		t.Errorf("after an update: %+v, %v, with the consent version %d", c.OpenID, err, c.ConsentVersion)
	}
	c.OpenID = nil
	s.Works(s.UpdateClient(t.Context(), c))
	if c, err = s.Client(t.Context(), c.ID); err != nil || c.OpenID != nil {
		t.Errorf("after the settings were removed: %+v, %v", c.OpenID, err)
	}
	empty, err := s.CreateClient(t.Context(), withSettings(oauth.ClientOpenID{}))
	if err != nil || empty.Client.OpenID != nil {
		t.Errorf("settings without a value are stored as %+v, %v; want none", empty.Client.OpenID, err)
	}
}

func TestClients_OI_151_LO_14_BL_09_XB04_WrongOpenIDSettings(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{BackchannelAllowedHosts: []string{"wiki.internal", "10.0.0.5:8443", "10.0.0.6:443", "[fd00::7]:8443"}}))
	owned := func(r *passport.Registration) { r.Owner = testkit.Ref("alice") }
	public := func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone }
	eleven := make([]string, 11)
	for i := range eleven {
		eleven[i] = fmt.Sprintf("https://wiki.example/%d", i)
	}
	for name, tt := range map[string]struct {
		reg  passport.Registration
		want string // of the error; empty if the registration is valid
	}{
		"RS256":                                    {withSettings(oauth.ClientOpenID{IDTokenAlg: "RS256"}), ""},
		"none":                                     {withSettings(oauth.ClientOpenID{IDTokenAlg: "none"}), "id_token_signed_response_alg can't be none"},
		"None":                                     {withSettings(oauth.ClientOpenID{IDTokenAlg: "None"}), "id_token_signed_response_alg can't be None"},
		"HS256":                                    {withSettings(oauth.ClientOpenID{IDTokenAlg: "HS256"}), "id_token_signed_response_alg can't be HS256"},
		"an algorithm without a key":               {withSettings(oauth.ClientOpenID{IDTokenAlg: "PS256"}), "passport keys add --alg PS256"},
		"not an algorithm":                         {withSettings(oauth.ClientOpenID{IDTokenAlg: "rs256"}), "id_token_signed_response_alg"},
		"a short life":                             {withSettings(oauth.ClientOpenID{IDTokenTTL: time.Millisecond}), "id_token_ttl is 1ms: want at least a second"},
		"a negative age":                           {withSettings(oauth.ClientOpenID{DefaultMaxAge: new(int64(-1))}), "default_max_age is negative"},
		"ten URIs":                                 {withSettings(oauth.ClientOpenID{PostLogoutRedirectURIs: eleven[:10]}), ""},
		"eleven URIs":                              {withSettings(oauth.ClientOpenID{PostLogoutRedirectURIs: eleven}), "post_logout_redirect_uris has 11 URIs: want at most 10"},
		"post-logout http":                         {withSettings(oauth.ClientOpenID{PostLogoutRedirectURIs: []string{"http://wiki.example/"}}), "post_logout_redirect_uris"},
		"post-logout loopback":                     {withSettings(oauth.ClientOpenID{PostLogoutRedirectURIs: []string{"http://localhost:3000/"}}), ""},
		"post-logout of an app":                    {withSettings(oauth.ClientOpenID{PostLogoutRedirectURIs: []string{"com.example.wiki:/bye"}}, public), ""},
		"post-logout fragment":                     {withSettings(oauth.ClientOpenID{PostLogoutRedirectURIs: []string{"https://wiki.example/#x"}}), "has a fragment"},
		"post-logout path":                         {withSettings(oauth.ClientOpenID{PostLogoutRedirectURIs: []string{"/bye"}}), "is only a path"},
		"post-logout script":                       {withSettings(oauth.ClientOpenID{PostLogoutRedirectURIs: []string{"javascript:alert(1)"}}), "post_logout_redirect_uris"},
		"post-logout empty":                        {withSettings(oauth.ClientOpenID{PostLogoutRedirectURIs: []string{""}}), "is empty"},
		"back-channel":                             {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "https://wiki.example/out"}), ""},
		"back-channel of an owner":                 {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "https://wiki.example/out"}, owned), ""},
		"back-channel http":                        {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "http://wiki.example/out"}), "backchannel_logout_uri"},
		"back-channel loopback":                    {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "http://127.0.0.1:3000/out"}), ""},
		"back-channel fragment":                    {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "https://wiki.example/#out"}), "has a fragment"},
		"back-channel path":                        {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "/out"}), "is not an https URL"},
		"back-channel scheme":                      {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "com.example.wiki:/out"}), "is not an https URL"},
		"back-channel file":                        {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "file:///etc/passwd"}), "is not an https URL"},
		"back-channel password":                    {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "https://a:b@wiki.example/"}), "has a user name"},
		"back-channel admitted http":               {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "http://wiki.internal/out"}), ""},
		"back-channel admitted port":               {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "https://10.0.0.5:8443/out"}), ""},
		"back-channel another port, http":          {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "http://10.0.0.5:9000/out"}), "backchannel_logout_uri"},
		"back-channel admitted, public":            {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "http://wiki.internal/out"}, public), "backchannel_logout_uri"},
		"back-channel admitted, of an owner":       {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "https://wiki.internal/out"}, owned), "clients without an owner"},
		"back-channel default port, of an owner":   {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "https://10.0.0.6/out"}, owned), "clients without an owner"},
		"back-channel longer address, of an owner": {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "https://[fd00:0:0::0007]:8443/out"}, owned), "clients without an owner"},
		"back-channel admitted, another spelling":  {withSettings(oauth.ClientOpenID{BackchannelLogoutURI: "http://[fd00::0:7]:8443/out"}), ""},
		"an API":                                   {passport.Registration{Name: "API", Audience: testkit.Issuer, OpenID: &oauth.ClientOpenID{RequireAuthTime: true}}, "an API gets no tokens"},
	} {
		err := s.CheckClient(tt.reg)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v, want it accepted", name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want an error with %q", name, err, tt.want)
		case tt.want != "" && tt.reg.Audience == "" && !errors.Is(err, oauth.InvalidClientMetadata):
			t.Errorf("%s: the error %v is not invalid_client_metadata", name, err)
		}
	}
}

// Settings that were valid before don't prevent another change.
func TestClients_OI_170_OldOpenIDSettings(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	created, err := s.CreateClient(t.Context(), withSettings(oauth.ClientOpenID{IDTokenAlg: "ES256"}))
	s.Works(err)
	off := s.Restart(func(c *passport.Config) { c.Features = nil })
	c, err := off.Client(t.Context(), created.Client.ID)
	s.Works(err)
	c.Name = "Wiki 2"
	s.Works(off.UpdateClient(t.Context(), c))
	c.OpenID = &oauth.ClientOpenID{IDTokenAlg: "ES256", RequireAuthTime: true}
	if err := off.UpdateClient(t.Context(), c); err == nil || !strings.Contains(err.Error(), "OpenID Connect, which is off") {
		t.Errorf("new settings on a server without OpenID Connect: %v, want an error that names the feature", err)
	}
	if _, err := off.CreateClient(t.Context(), withSettings(oauth.ClientOpenID{RequireAuthTime: true})); err == nil {
		t.Error("a registration with settings on a server without OpenID Connect works")
	}
}
