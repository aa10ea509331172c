package idtoken

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/go-passport/passport/openid"
)

// dataScopes are the scopes that ask for standard claims (OpenID Connect Core §5.4).
var dataScopes = []string{"profile", "email", "address", "phone"}

// member is a standard claim.
type member struct {
	name  string                              // of the claim
	field string                              // of [openid.Claims]
	value func(c *openid.Claims) (any, error) // nil without a value
}

// standard are the standard claims of each scope (OpenID Connect Core §5.1).
var standard = map[string][]member{
	"profile": {
		text("name", "Name", func(c *openid.Claims) string { return c.Name }, line),
		text("family_name", "FamilyName", func(c *openid.Claims) string { return c.FamilyName }, line),
		text("given_name", "GivenName", func(c *openid.Claims) string { return c.GivenName }, line),
		text("middle_name", "MiddleName", func(c *openid.Claims) string { return c.MiddleName }, line),
		text("nickname", "Nickname", func(c *openid.Claims) string { return c.Nickname }, line),
		text("preferred_username", "PreferredUsername", func(c *openid.Claims) string { return c.PreferredUsername }, line),
		text("profile", "Profile", func(c *openid.Claims) string { return c.Profile }, webURL),
		text("picture", "Picture", func(c *openid.Claims) string { return c.Picture }, webURL),
		text("website", "Website", func(c *openid.Claims) string { return c.Website }, webURL),
		text("gender", "Gender", func(c *openid.Claims) string { return c.Gender }, line),
		text("birthdate", "Birthdate", func(c *openid.Claims) string { return c.Birthdate }, birthdate),
		text("zoneinfo", "Zoneinfo", func(c *openid.Claims) string { return c.Zoneinfo }, pattern(zone, "want a name of the IANA database, such as Europe/Paris")),
		text("locale", "Locale", func(c *openid.Claims) string { return c.Locale }, pattern(language, "want a BCP 47 tag, such as fr-CA")),
		{"updated_at", "UpdatedAt", updatedAt},
	},
	"email": {
		text("email", "Email", func(c *openid.Claims) string { return c.Email }, pattern(address, "want an email address")),
		{"email_verified", "EmailVerified", func(c *openid.Claims) (any, error) { return beside(c.Email, c.EmailVerified), nil }},
	},
	"address": {{"address", "Address", postalAddress}},
	"phone": {
		text("phone_number", "PhoneNumber", func(c *openid.Claims) string { return c.PhoneNumber }, pattern(phone, "want the form of E.164, such as +14255551212")),
		{"phone_number_verified", "PhoneNumberVerified", func(c *openid.Claims) (any, error) { return beside(c.PhoneNumber, c.PhoneNumberVerified), nil }},
	},
}

// The forms of claims (OpenID Connect Core §5.1). A zone is not looked up, because not
// every machine has the database.
var (
	zone     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,3}$`)
	language = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$`)
	address  = regexp.MustCompile(`^[^\s\pC@]+@[^\s\pC@]+$`)
	phone    = regexp.MustCompile(`^\+[0-9][0-9 ().-]{1,30}(;ext=[0-9]{1,15})?$`)
)

// text returns a claim that is a string. Its errors don't repeat the value, because they
// are logged and it is a user's.
func text(name, field string, of func(*openid.Claims) string, check func(string) error) member {
	return member{name, field, func(c *openid.Claims) (any, error) {
		value := of(c)
		if value == "" {
			return nil, nil
		}
		return value, check(value)
	}}
}

// line accepts a text in one line.
func line(value string) error {
	if strings.ContainsFunc(value, unicode.IsControl) {
		return errors.New("it has a line end or another control character: remove it")
	}
	return nil
}

// pattern returns a check against a regular expression.
func pattern(form *regexp.Regexp, remedy string) func(string) error {
	return func(value string) error {
		if !form.MatchString(value) {
			return errors.New("it has another form: " + remedy)
		}
		return nil
	}
}

func webURL(value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || line(value) != nil {
		return errors.New("it has another form: want an absolute http or https URL")
	}
	return nil
}

func birthdate(value string) error {
	for _, form := range []string{"2006-01-02", "2006"} {
		if _, err := time.Parse(form, value); err == nil && value != "0000" {
			return nil
		}
	}
	return errors.New("it has another form: want YYYY-MM-DD, YYYY, or 0000-MM-DD without the year")
}

// clockSkew is how much the clock of another node may be ahead.
const clockSkew = time.Minute

// updatedAt returns the time in seconds. It allows a clock of another node that is ahead,
// but returns no time in the future.
func updatedAt(c *openid.Claims) (any, error) {
	now := time.Now()
	switch at := c.UpdatedAt; {
	case at.IsZero():
		return nil, nil
	case at.After(now.Add(clockSkew)):
		return nil, errors.New("it is in the future: return the time of the last change")
	case at.After(now):
		return now.Unix(), nil
	default:
		return at.Unix(), nil
	}
}

// beside returns whether a value is verified; nil without the value.
func beside(value string, verified bool) any {
	if value == "" {
		return nil
	}
	return verified
}

// postalAddress returns the address (OpenID Connect Core §5.1.1); nil for an empty one.
func postalAddress(c *openid.Claims) (any, error) {
	a := c.Address
	members := map[string]string{}
	for name, value := range map[string]string{
		"formatted": a.Formatted, "street_address": a.StreetAddress, "locality": a.Locality,
		"region": a.Region, "postal_code": a.PostalCode, "country": a.Country,
	} {
		if value == "" {
			continue
		}
		if line(strings.NewReplacer("\r", "", "\n", "").Replace(value)) != nil {
			return nil, errors.New("it has a control character other than a line end: remove it")
		}
		members[name] = value
	}
	if len(members) == 0 {
		return nil, nil
	}
	return members, nil
}

// FieldOf returns the field of [openid.Claims] that has a standard claim; empty for other
// claims.
func FieldOf(name string) string {
	for _, members := range standard {
		for _, m := range members {
			if strings.EqualFold(m.name, name) {
				return m.field
			}
		}
	}
	return ""
}
