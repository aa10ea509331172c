// Package openid has the claims about users that an OpenID provider gives to clients
// (OpenID Connect Core §5). The application returns them from the function UserClaims of
// passport.OpenID.
package openid

import "time"

// Claims are the claims about a user (OpenID Connect Core §5.1). All fields are
// optional: the server leaves out a claim without a value. It gives a client only the
// claims of the scopes that the user granted, so a function may fill in everything that
// it knows.
type Claims struct {
	// Of the scope profile.
	Name              string
	FamilyName        string
	GivenName         string
	MiddleName        string
	Nickname          string
	PreferredUsername string // not unique and not stable: clients identify a user by sub
	Profile           string // the URL of the user's page: http or https
	Picture           string // the URL of an image of the user: http or https
	Website           string // http or https
	Gender            string
	Birthdate         string // YYYY-MM-DD, YYYY, or 0000-MM-DD without the year
	Zoneinfo          string // of the IANA database, such as "Europe/Paris"
	Locale            string // a BCP 47 tag, such as "fr-CA"
	UpdatedAt         time.Time

	// Of the scope email. Set EmailVerified only if the user has proved that the address
	// is theirs: clients use it to find accounts.
	Email         string
	EmailVerified bool

	// Of the scope phone. PhoneNumber has the form of E.164, such as "+14255551212".
	PhoneNumber         string
	PhoneNumberVerified bool

	// Of the scope address.
	Address Address

	// Extra are the claims that passport.OpenID declares in ExtraClaims, by name. The
	// values are encoded as JSON.
	Extra map[string]any
}

// Address is a postal address (OpenID Connect Core §5.1.1).
type Address struct {
	Formatted     string // the whole address, with lines separated by "\n"
	StreetAddress string
	Locality      string // the city
	Region        string
	PostalCode    string
	Country       string
}

// ExtraClaim declares a claim that is not among the standard ones, such as groups. The
// server gives it to clients with the scope.
type ExtraClaim struct {
	Name        string // such as "groups"
	Scope       string // the scope that asks for it: one of OpenID Connect, of Config.Scopes, or a new one
	Description string // of a new scope: what the consent page says about it
}
