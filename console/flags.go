package console

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError returns what is wrong with a flag, and how it is done right.
func flagError(cmd *cobra.Command, err error) error {
	wrong := withoutURL(err)
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			name = short // a long flag after one hyphen
		}
		if near := nearestFlag(cmd, name); near != "" {
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

// longestFlag is more than the length of any flag.
const longestFlag = 40

// nearestFlag returns the flag that was probably meant, or "". A hyphen counts as
// much as an underscore, since flags from Laravel Passport have underscores.
func nearestFlag(cmd *cobra.Command, name string) (near string) {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if len(name) < 3 || len(name) > longestFlag {
		return ""
	}
	least := 3
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		known := strings.ReplaceAll(flag.Name, "_", "-")
		d := distance(name, known)
		if strings.HasPrefix(known, name) {
			d = min(d, 2)
		}
		if d < least && !flag.Hidden {
			near, least = flag.Name, d
		}
	})
	return near
}
