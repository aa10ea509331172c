package console

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// hyphens makes --redirect_uri, the spelling of Laravel Passport, the same option as
// --redirect-uri.
func hyphens(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
}

// flagError returns what is wrong with an option, and how to write it.
func (p *program) flagError(cmd *cobra.Command, err error) error {
	wrong := withoutURL(err)
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		wrong = p.unknownFlag(cmd, unknown)
	}
	if empty, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		wrong = fmt.Errorf("--%s needs a value: %s", empty.GetFlag().Name, wanted(empty.GetFlag(), nil))
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		wrong = fmt.Errorf("--%s %q: %s", invalid.GetFlag().Name, repeatable(cmd, invalid.GetValue()), wanted(invalid.GetFlag(), invalid.Unwrap()))
	}
	return usage(cmd, wrong)
}

// unknownFlag refuses an option that does not exist, and names the nearest one.
func (p *program) unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	name := unknown.GetSpecifiedName()
	wrong := withoutURL(fmt.Errorf("unknown flag --%s", name))
	if short := unknown.GetSpecifiedShortnames(); short != "" {
		name = short // a long flag after one hyphen
		wrong = withoutURL(fmt.Errorf("unknown flag -%s", short))
	}
	near, key := nearestFlag(cmd, name), nearest(name)
	_, exact := find(nameOf(name))
	switch {
	case p.Server == nil && (exact || near == "" && key != ""):
		return fmt.Errorf("%w; %s is a setting: write it in passport.toml, or set %s", wrong, key, setting{key: key}.env())
	case near != "":
		return fmt.Errorf("%w; did you mean --%s?", wrong, near)
	}
	return wrong
}

// examples are values of numeric options.
var examples = map[string]string{"hours": "6", "length": "4096"}

// wanted says which values an option takes. cause is the error of its type.
func wanted(flag *pflag.Flag, cause error) string {
	switch kind := flag.Value.Type(); {
	case kind == "bool":
		return "want true, false, or no value"
	case kind == "int" && examples[flag.Name] != "":
		return "want a whole number such as " + examples[flag.Name]
	case kind == "duration":
		return "want " + durationForm
	case cause != nil:
		if _, number := errors.AsType[*strconv.NumError](cause); number {
			return "want a number"
		}
		return withoutURL(cause).Error()
	}
	if name := placeholderOf(flag); name != "" {
		return fmt.Sprintf("want --%s %s", flag.Name, name)
	}
	return "want --" + flag.Name + " VALUE"
}

// nearestFlag returns the option that was probably meant, or "".
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

// placeholderKey is the annotation with the placeholder of an option's value.
const placeholderKey = "passport_placeholder"

// plainUsages takes the backquotes out of the usage of every option. They mark the
// placeholder of its value in the help, but the completion of a shell would show them. So
// [usagesOf] puts them back for the help.
func plainUsages(cmd *cobra.Command) {
	cmd.Flags().VisitAll(splitUsage)
	cmd.PersistentFlags().VisitAll(splitUsage)
	for _, sub := range cmd.Commands() {
		plainUsages(sub)
	}
}

// usagesOf returns the help for options, with the placeholders of their values.
func usagesOf(flags *pflag.FlagSet, columns int) string {
	flags.VisitAll(func(flag *pflag.Flag) { joinUsage(flag, "`") })
	defer flags.VisitAll(func(flag *pflag.Flag) { joinUsage(flag, "") })
	return flags.FlagUsagesWrapped(columns)
}

// splitUsage stores the parts of a usage: before, in and after the backquotes.
func splitUsage(flag *pflag.Flag) {
	parts := strings.SplitN(flag.Usage, "`", 3)
	if len(parts) < 3 {
		return
	}
	if flag.Annotations == nil {
		flag.Annotations = map[string][]string{}
	}
	flag.Annotations[placeholderKey] = parts
	joinUsage(flag, "")
}

func joinUsage(flag *pflag.Flag, quote string) {
	if parts := flag.Annotations[placeholderKey]; parts != nil {
		flag.Usage = strings.Join(parts, quote)
	}
}

// placeholderOf returns the placeholder of an option's value, such as URI, or "".
func placeholderOf(flag *pflag.Flag) string {
	if parts := flag.Annotations[placeholderKey]; parts != nil {
		return parts[1]
	}
	return ""
}
