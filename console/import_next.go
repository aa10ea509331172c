package console

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-passport/passport/internal/dburl"
)

// commandLine returns the command line of an import to copy: with the options as they were
// given, and with more. It has neither a password nor an application key.
func commandLine(cmd *cobra.Command, more ...string) string {
	words := []string{cmd.CommandPath()}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		again := slices.ContainsFunc(more, func(option string) bool { return strings.HasPrefix(option+" ", "--"+f.Name+" ") })
		if !again && !slices.Contains([]string{"color", "dry-run", "json"}, f.Name) {
			words = append(words, optionWords(f)...)
		}
	})
	return strings.Join(append(words, more...), " ")
}

// optionWords returns the words of an option that was given.
func optionWords(f *pflag.Flag) (words []string) {
	values := []string{f.Value.String()}
	if list, ok := f.Value.(pflag.SliceValue); ok {
		values = list.GetSlice()
	}
	for _, value := range values {
		switch f.Name {
		case "switch":
			words = append(words, "--"+f.Name)
			continue
		case "app-key":
			value = "…"
		case "from", "database-url":
			u, _ := dburl.Read(value) // it is valid: the import has read it
			value = shellWord(u.Written())
		default:
			value = shellWord(value)
		}
		words = append(words, "--"+f.Name, value)
	}
	return words
}
