package jsonapi

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/oauth"
)

// openIDFields are the settings for OpenID Connect that the owner of a client may change,
// under their registered names (OpenID Connect Dynamic Client Registration §2). Only the
// operator may change the lifetime of ID tokens and the claims in them.
var openIDFields = []string{
	"id_token_signed_response_alg", "default_max_age", "require_auth_time",
	"post_logout_redirect_uris", "backchannel_logout_uri", "backchannel_logout_session_required",
}

// unbuilt are registered settings that this server doesn't have. A client that sets one
// would rely on it, so the API refuses them.
var unbuilt = []string{
	"subject_type", "sector_identifier_uri", "userinfo_signed_response_alg", "default_acr_values", "initiate_login_uri",
	"id_token_encrypted_response_alg", "id_token_encrypted_response_enc", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
	"request_object_signing_alg", "request_object_encryption_alg", "request_object_encryption_enc", "request_uris",
	"frontchannel_logout_uri", "frontchannel_logout_session_required",
}

// readOpenID changes the settings of a client for OpenID Connect as a request says. A field
// that is missing keeps its value; null, and an empty text or list, remove it. stored is
// the client before; nil for a new one.
func (a *API) readOpenID(f *faults, in input, c, stored *oauth.Client) {
	for _, field := range unbuilt {
		value, sent := in[field]
		if sent && !isEmpty(value) && value != false && !(field == "subject_type" && value == "public") {
			f.add(field, fmt.Sprintf("The %s field is not supported.", spoken(field)))
		}
	}
	if value, sent := in["application_type"]; sent {
		if err := redirect.CheckApplicationType(f.text("application_type", value), c.RedirectURIs); err != nil {
			f.add("application_type", fmt.Sprintf("The application type field %v.", err))
		}
	}
	if !slices.ContainsFunc(openIDFields, func(field string) bool { _, sent := in[field]; return sent }) {
		return
	}
	o := new(oauth.ClientOpenID)
	if c.OpenID != nil {
		*o = *c.OpenID // its lists are replaced, never changed
	}
	before := len(*f)
	f.openID(in, o)
	if c.OpenID = o; reflect.ValueOf(*o).IsZero() {
		c.OpenID = nil
	}
	if len(*f) > before {
		return
	}
	for _, fault := range a.Clients.OpenIDFaults(c, stored) {
		field := fault.Member
		if !slices.Contains(openIDFields, field) { // all of them are wrong
			field = openIDFields[slices.IndexFunc(openIDFields, func(field string) bool { _, sent := in[field]; return sent })]
		}
		f.add(field, fmt.Sprintf("The %s field %s.", spoken(field), strings.TrimSuffix(fault.Text, ".")))
	}
}

// spoken returns the name of a field in a message, as Laravel writes it.
func spoken(field string) string { return strings.ReplaceAll(field, "_", " ") }

// openID reads the fields into o.
func (f *faults) openID(in input, o *oauth.ClientOpenID) {
	for field, to := range map[string]*string{"id_token_signed_response_alg": &o.IDTokenAlg, "backchannel_logout_uri": &o.BackchannelLogoutURI} {
		if value, sent := in[field]; sent {
			*to = f.text(field, value)
		}
	}
	o.RequireAuthTime = f.boolean("require_auth_time", in, o.RequireAuthTime)
	o.BackchannelSessionRequired = f.boolean("backchannel_logout_session_required", in, o.BackchannelSessionRequired)
	if value, sent := in["default_max_age"]; sent {
		o.DefaultMaxAge = f.seconds("default_max_age", value)
	}
	if value, sent := in["post_logout_redirect_uris"]; sent {
		o.PostLogoutRedirectURIs = f.uris("post_logout_redirect_uris", value)
	}
}

// text checks a field that is a text or empty.
func (f *faults) text(field string, value any) string {
	text, isText := value.(string)
	switch {
	case value == nil:
	case !isText:
		f.add(field, fmt.Sprintf("The %s field must be a string.", spoken(field)))
	case len(text) > oauth.MaxLink:
		f.add(field, fmt.Sprintf("The %s field must not be greater than %d bytes.", spoken(field), oauth.MaxLink))
	}
	return text
}

// seconds checks a field that is a number of seconds or empty.
func (f *faults) seconds(field string, value any) *int64 {
	switch v := value.(type) {
	case nil:
		return nil
	case float64:
		if v >= 0 && v == math.Trunc(v) && v < 1<<53 {
			return new(int64(v))
		}
	case string: // of a form
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 {
			return &n
		}
	}
	f.add(field, fmt.Sprintf("The %s field must be a number of seconds.", spoken(field)))
	return nil
}

// uris checks a field that is a list of URIs or empty.
func (f *faults) uris(field string, value any) (uris []string) {
	list, isList := value.([]any)
	switch {
	case isEmpty(value):
		return nil
	case !isList:
		f.add(field, fmt.Sprintf("The %s field must be an array.", spoken(field)))
	case len(list) > oauth.MaxPostLogoutRedirectURIs:
		f.add(field, fmt.Sprintf("The %s field must not have more than %d items.", spoken(field), oauth.MaxPostLogoutRedirectURIs))
		return nil
	}
	for i, item := range list {
		uris = append(uris, f.text(fmt.Sprintf("%s.%d", field, i), item))
	}
	return distinct(uris)
}

// openIDRecord has the settings of a client for OpenID Connect.
type openIDRecord struct {
	IDTokenAlg                 string   `json:"id_token_signed_response_alg,omitempty"`
	DefaultMaxAge              *int64   `json:"default_max_age,omitempty"`
	RequireAuthTime            bool     `json:"require_auth_time,omitempty"`
	PostLogoutRedirectURIs     []string `json:"post_logout_redirect_uris,omitempty"`
	BackchannelLogoutURI       string   `json:"backchannel_logout_uri,omitempty"`
	BackchannelSessionRequired bool     `json:"backchannel_logout_session_required,omitempty"`
}

func openIDRecordOf(c *oauth.Client) openIDRecord {
	if c.OpenID == nil {
		return openIDRecord{}
	}
	o := c.OpenID
	return openIDRecord{o.IDTokenAlg, o.DefaultMaxAge, o.RequireAuthTime, o.PostLogoutRedirectURIs, o.BackchannelLogoutURI, o.BackchannelSessionRequired}
}
