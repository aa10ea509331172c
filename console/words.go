package console

import (
	"errors"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/internal/dburl"
)

// goName finds what may be the name of a field of passport.Config.
var goName = regexp.MustCompile(`(Config\.|\.)?\b[A-Z][A-Za-z]+\b`)

// words returns an error in the words of whoever configured the server: the
// settings of a file, or an application's own fields.
func (o *opened) words(err error) error {
	if o == nil {
		return err
	}
	return inSettings(err)
}

// inSettings returns the faults of a configuration in the words of those who
// wrote it in a file: access_token_ttl, not Config.AccessTokenTTL.
func inSettings(err error) error {
	if err == nil {
		return nil
	}
	var all []error
	for _, fault := range faults(err) {
		for _, first := range []string{"Config.", "client: ", "Store: "} { // none of them is in the settings
			fault = strings.TrimPrefix(fault, first)
		}
		all = append(all, errors.New(goName.ReplaceAllStringFunc(fault, func(name string) string {
			if strings.HasPrefix(name, ".") {
				return name // of something else, such as {{.Scopes}} of a page
			}
			field, qualified := strings.CutPrefix(name, "Config.")
			switch key, known := keyOf(field); {
			case known && qualified:
				return "the setting " + key
			case known:
				return key
			}
			return name
		})))
	}
	return errors.Join(all...)
}

// keyOf returns the key of a field of passport.Config in the file:
// access_token_ttl for AccessTokenTTL, client_ids for ClientIDs.
func keyOf(field string) (key string, ok bool) {
	for _, s := range all {
		if strings.EqualFold(strings.ReplaceAll(s.key, "_", ""), field) {
			return s.key, true
		}
	}
	return "", false
}

// safe returns a database URL without its password, to be shown.
func safe(database string) string {
	u, _ := dburl.Read(database) // of one that is refused, the scheme is shown
	return u.String()
}

// withoutURL returns an error of the command line up to a URL that it quotes.
func withoutURL(err error) error {
	before, _, quoted := strings.Cut(err.Error(), "://")
	if !quoted && strings.ContainsAny(before, "@?") {
		before, _, quoted = strings.Cut(before, "=")
	}
	if !quoted {
		return err
	}
	return errors.New(before + "…")
}

// repeatable returns an argument as a message may repeat it. Of a URL the scheme is
// left: the rest may hold a password. So may every argument after a URL that was
// not quoted, as the shell cuts it at a space.
func repeatable(cmd *cobra.Command, arg string) string {
	scheme, _, isURL := strings.Cut(arg, "://")
	switch flag := cmd.Flag("database-url"); {
	case isURL:
		return scheme + "://…"
	case flag != nil && flag.Changed || strings.ContainsAny(arg, "@?"):
		return "…"
	}
	return arg
}
