package console

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// commandSynonyms are names that other programs have for our commands.
var commandSynonyms = map[string]string{
	"start": "serve", "run": "serve", "server": "serve", "init": "install", "setup": "install", "upgrade": "migrate", "users": "user", "accounts": "user",
	"add": "create", "register": "create", "remove": "revoke", "rm": "revoke", "edit": "update", "get": "show", "info": "show",
	"enable": "resume", "disable": "suspend", "prune": "purge", "key": "keys",
}

// subcommandOnly refuses an unknown command, and names the nearest one.
func subcommandOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q", below(cmd, repeatable(cmd, args[0])))
	if near := nearestCommand(cmd, args[0]); near != "" {
		err = fmt.Errorf("%w; did you mean %q?", err, below(cmd, near))
	}
	return usage(cmd, err)
}

// below returns the name of a subcommand as the user types it after the program's name.
func below(cmd *cobra.Command, sub string) string {
	path := strings.Fields(cmd.CommandPath())
	return strings.Join(append(path[1:], sub), " ")
}

// nearestCommand returns the subcommand that was probably meant, or "".
func nearestCommand(cmd *cobra.Command, name string) string {
	var known []string
	for _, sub := range cmd.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		if commandSynonyms[strings.ToLower(name)] == sub.Name() {
			return sub.Name()
		}
		known = append(append(known, sub.Name()), sub.Aliases...)
	}
	return nearestOf(name, known)
}
