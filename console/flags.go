package console

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError returns what is wrong with a flag, and how it is done right.
func (p *program) flagError(cmd *cobra.Command, err error) error {
	wrong := withoutURL(err)
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			name = short // a long flag after one hyphen
		}
		near, key := nearestFlag(cmd, name), nearest(name)
		_, exact := find(nameOf(name))
		switch {
		case p.Server == nil && (exact || near == "" && key != ""):
			wrong = fmt.Errorf("%w; %s is a setting: write it in passport.toml, or set %s", wrong, key, setting{key: key}.env())
		case near != "":
			wrong = fmt.Errorf("%w; did you mean --%s?", wrong, near)
		}
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if want := wanted(invalid.GetFlag()); want != "" {
			wrong = withoutURL(fmt.Errorf("invalid argument %q for %q flag: want %s", invalid.GetValue(), "--"+invalid.GetFlag().Name, want))
		}
	}
	return usage(cmd, wrong)
}

// wanted is what a flag takes, where the error of its type quotes Go's parser.
func wanted(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "int":
		example := ""
		if flag.DefValue != "0" {
			example = " such as " + flag.DefValue
		}
		return "a whole number" + example
	case "bool":
		return "true, false, or no value"
	}
	return ""
}

// nearestFlag returns the flag that was probably meant, or "". A hyphen counts as
// much as an underscore, since flags from Laravel Passport have underscores.
func nearestFlag(cmd *cobra.Command, name string) string {
	if len(name) < 3 {
		return ""
	}
	var known []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			known = append(known, flag.Name)
		}
	})
	return nearestOf(name, known)
}
