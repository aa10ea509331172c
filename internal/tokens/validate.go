package tokens

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/storable"
	"github.com/go-passport/passport/oauth"
)

// validate refuses an invalid authorization: without a subject, for a user without
// a family that can end the token, or for a client with a family.
func (i *Request) validate() error {
	a := i.Authorization
	if a == nil {
		return errors.New("it returned neither an authorization nor an error")
	}
	if i.client() == nil {
		return errNoPermit
	}
	if err := i.validateSubject(); err != nil {
		return err
	}
	if a.AccessTokenTTL < 0 {
		return errors.New("its AccessTokenTTL is negative")
	}
	return errors.Join(validateList("RefreshScopes", a.RefreshScopes), validateList("Resources", a.Resources), i.validateSpend())
}

func (i *Request) validateSubject() error {
	a := i.Authorization
	user, isUser := a.Subject.User()
	switch {
	case !a.Subject.Valid():
		return errors.New("it names no subject")
	case isUser && !storable.Text(user.ID):
		return errors.New("it names a user whose ID cannot be stored: want UTF-8 without control characters, at most 255 bytes")
	case isUser && (a.Family == nil || a.Family.User != user):
		return errors.New("it authorizes a user without a family of that user")
	case !isUser && a.Family != nil:
		return errors.New("it authorizes a client with a family")
	case !isUser && (a.NewFamily || a.Refresh):
		return errors.New("it starts a family, or has a refresh token, for a client that acts for itself")
	case isUser:
		return i.validateFamily()
	}
	return nil
}

// validateList refuses an element that is empty, or has a space or a control
// character. Tokens and rows store lists separated by spaces, so such an element
// would be read as a different element or as several.
func validateList(name string, list []string) error {
	for _, element := range list {
		if element == "" || strings.ContainsFunc(element, func(r rune) bool { return r <= ' ' || r == utf8.RuneError || r == 0x7f }) {
			return fmt.Errorf("its %s have the element %.100q, which is empty or has a space or a control character", name, element)
		}
	}
	return nil
}

// validateFamily refuses a family that would escape revocation. A row without a
// family ID is a client's own token. A family that claims to be newer than the
// request would escape a revocation between the two times.
func (i *Request) validateFamily() error {
	switch f := i.Family; {
	case f.ID == "":
		return errors.New("its family has no ID")
	case f.ClientID != i.client().ID && (i.NewFamily || i.Refresh || i.Spends.Purpose == oauth.SpendCode || i.Spends.Purpose == oauth.SpendDeviceCode):
		// Only an access token may join another client's family, as in a token
		// exchange. It ends with the family.
		return errors.New("its family belongs to another client")
	case i.NewFamily && (f.CreatedAt.IsZero() || f.CreatedAt.After(i.Time)):
		return errors.New("its new family has a later creation time than the request, or none: use TokenRequest.Time")
	case i.NewFamily && !f.RevokedAt.IsZero():
		return errors.New("its new family is revoked")
	case i.NewFamily && !f.ExpiresAt.IsZero() && !i.Time.Before(f.ExpiresAt):
		return errors.New("its new family has ended already: set ExpiresAt, or leave it zero for the default")
	}
	return nil
}

// validateSpend refuses one-time values that could clash with the server's own,
// never be purged, or be purged while they are still valid.
func (i *Request) validateSpend() error {
	switch p := i.Spends.Purpose; {
	case i.Ticket != nil && i.Spends != oauth.Spend{}:
		return errors.New("it uses up a one-time value in addition to the ticket of the consent page")
	case (p == "") != (i.Spends.ID == ""):
		return errors.New("its one-time value needs a purpose and an ID")
	case p != "" && p != oauth.SpendCode && p != oauth.SpendDeviceCode && p != oauth.SpendRefreshToken && !p.Custom():
		return errors.New("the purpose of its one-time value needs a dot in its name")
	case p.Custom() && !i.Spends.Until.After(i.Time):
		return errors.New("it does not set how long its one-time value is kept: set Spends.Until")
	case p == oauth.SpendRefreshToken && !i.Refresh:
		return errors.New("it spends a refresh token without replacing it")
	}
	return nil
}

// checkProvider refuses a user of another provider than the client's. Otherwise a
// grant could confuse user 1 of one provider with user 1 of another. A client that
// was moved to another provider must lose its old users.
func checkProvider(c *oauth.Client, a *oauth.Authorization) error {
	if user, isUser := a.Subject.User(); isUser && !actsFor(c, user) {
		provider := cmp.Or(c.Provider, oauth.DefaultProvider)
		return fmt.Errorf("the user belongs to the provider %q, but the client acts for users of %q: %w", user.Provider, provider,
			oauth.InvalidGrant.Errorf("the client does not act for this user"))
	}
	return nil
}

// actsFor reports whether a user is one of the client's own provider.
func actsFor(c *oauth.Client, user oauth.UserRef) bool {
	return user.Provider == cmp.Or(c.Provider, oauth.DefaultProvider)
}
