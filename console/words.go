package console

import (
	"errors"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/internal/dburl"
)

// goName matches what may be the name of a field of passport.Config.
var goName = regexp.MustCompile(`(Config\.|\.)?\b((Brand|Device|OpenID)\.)?[A-Z][A-Za-z]+\b`)

// words returns an error in the words of the configuration: settings for the binary,
// fields of Config for an application's own server, for which o is nil.
func (o *opened) words(err error) error {
	if o == nil {
		return err
	}
	return inSettings(err)
}

// inSettings returns the faults of a configuration with the names that settings have in
// passport.toml: access_token_ttl, not Config.AccessTokenTTL.
func inSettings(err error) error {
	if err == nil {
		return nil
	}
	var all []error
	for _, fault := range faults(err) {
		fault = laravelNames.Replace(fault)
		for _, first := range []string{"Config.", "client: ", "Store: ", "Features: "} { // these are not settings
			fault = strings.TrimPrefix(fault, first)
		}
		all = append(all, errors.New(goName.ReplaceAllStringFunc(fault, func(name string) string {
			if strings.HasPrefix(name, ".") {
				return name // a field of something else, such as {{.Scopes}} in a page
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

// keyOf returns the setting of a field of passport.Config: access_token_ttl for
// AccessTokenTTL, client_ids for ClientIDs.
func keyOf(field string) (key string, ok bool) {
	for _, s := range all {
		if strings.EqualFold(strings.ReplaceAll(s.key, "_", ""), field) {
			return s.key, true
		}
	}
	return "", false
}

// safe returns a database URL without its password.
func safe(database string) string {
	u, _ := dburl.Read(database) // of an invalid one it shows the scheme
	return u.String()
}

// withoutURL returns an error of the command line up to the first URL that it quotes,
// which may have a password.
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

// repeatable returns an argument as an error may repeat it. Of a URL it keeps the
// scheme, because the rest may have a password. So may every argument after a URL that
// was not quoted, because the shell splits it at a space.
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
