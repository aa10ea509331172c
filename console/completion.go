package console

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/page"
)

// completion is `passport completion`, which prints the script for a shell.
func (p *program) completion() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script for a shell",
		Long: `Prints a script with which your shell completes the commands and options of passport, and values
such as client IDs, scopes, providers and algorithms. SHELL is bash, zsh, fish or powershell.`,
		Example: `  source <(passport completion bash)                                      # this session; needs bash-completion
  passport completion bash > /etc/bash_completion.d/passport              # all sessions
  passport completion zsh > "${fpath[1]}/_passport"                       # then start a new shell
  passport completion fish > ~/.config/fish/completions/passport.fish
  passport completion powershell | Out-String | Invoke-Expression`,
		Args:      arguments("SHELL"),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return cmd.Root().GenBashCompletionV2(out, true)
			case "zsh":
				return cmd.Root().GenZshCompletion(out)
			case "fish":
				return cmd.Root().GenFishCompletion(out, true)
			case "powershell":
				return cmd.Root().GenPowerShellCompletionWithDesc(out)
			}
			return usage(cmd, fmt.Errorf("unknown shell %q: want %s", repeatable(cmd, args[0]), strings.Join(shells, ", ")))
		},
	}
}

// complete registers the values that a shell completes. A shell offers names of files
// only where a command takes a file or a folder.
func (p *program) complete(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		switch use := strings.Fields(cmd.Use); {
		case len(use) < 2 || cmd.ValidArgsFunction != nil:
		case use[1] == "FOLDER":
			cmd.ValidArgsFunction = first(folders)
		case strings.HasPrefix(use[1], "ID") && cmd.Parent().Name() == "user":
			cmd.ValidArgsFunction = first(p.completeUser)
		case strings.HasPrefix(use[1], "ID"):
			cmd.ValidArgsFunction = first(p.completeClient)
		}
		cmd.Flags().VisitAll(func(flag *pflag.Flag) { p.completeFlag(cmd, flag.Name) })
		cmd.PersistentFlags().VisitAll(func(flag *pflag.Flag) { p.completeFlag(cmd, flag.Name) })
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// completeFlag registers the values of an option, if the command knows any.
func (p *program) completeFlag(cmd *cobra.Command, name string) {
	var values cobra.CompletionFunc
	switch name {
	case "alg", "replace":
		values = fixed("ES256", "EdDSA", "RS256", "PS256")
	case "length":
		values = fixed("2048", "3072", "4096", "8192")
	case "client-ids":
		values = fixed(string(passport.UUIDs)+"\tUUIDs", string(passport.Integers)+"\tsequential numbers")
	case "color":
		values = fixed("auto", "always", "never")
	case "database-url":
		values = cobra.FixedCompletions([]string{"sqlite:", "postgres://", "mysql://"}, cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp)
	case "config":
		values = cobra.FixedCompletions([]string{"toml"}, cobra.ShellCompDirectiveFilterFileExt)
	case "logo":
		values = cobra.FixedCompletions([]string{"png", "jpg", "jpeg"}, cobra.ShellCompDirectiveFilterFileExt)
	case "keys-dir":
		values = folders
	case "scopes":
		values = p.completeScopes
	case "provider":
		values = p.completeProvider
	case "user-id":
		values = p.completeUserID
	default:
		return
	}
	_ = cmd.RegisterFlagCompletionFunc(name, values) // it exists, and has none yet
}

func fixed(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

func folders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// first completes the first argument of a command only.
func first(values cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return values(cmd, args, begun)
	}
}

const (
	maxCompletions     = 100             // a longer list is of no use in a shell
	completionPatience = 3 * time.Second // the user waits at the prompt
)

// completions collects values that begin with what the user has typed.
type completions struct {
	begun string
	found []string
}

// add adds a value, and reports whether there is room for more.
func (c *completions) add(value, about string) bool {
	if strings.HasPrefix(value, c.begun) {
		c.found = append(c.found, cobra.CompletionWithDesc(page.Text(value, maxCell), page.Text(about, maxCell)))
	}
	return len(c.found) < maxCompletions
}

// fromServer completes values from the server that the settings describe. Without a
// database it completes nothing, because a shell has no place for an error.
func (p *program) fromServer(cmd *cobra.Command, begun string, collect func(context.Context, *passport.Server, *opened, *completions) error) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(orBackground(cmd.Context()), completionPatience)
	defer cancel()
	p.reads = true
	c := &completions{begun: begun}
	err := p.withServer(ctx, func(ctx context.Context, s *passport.Server, in *opened) error { return collect(ctx, s, in, c) })
	if err != nil {
		cobra.CompDebugln(p.database.Hide(err).Error(), false)
	}
	return c.found, cobra.ShellCompDirectiveNoFileComp
}

func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

func (p *program) completeClient(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	return p.fromServer(cmd, begun, func(ctx context.Context, s *passport.Server, _ *opened, c *completions) error {
		for client, err := range s.Clients(ctx) {
			if err != nil {
				return err
			}
			if client.RevokedAt.IsZero() && !c.add(client.ID, client.Name) {
				break
			}
		}
		return nil
	})
}

// completeScopes completes the last of several scopes.
func (p *program) completeScopes(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	before := begun[:strings.LastIndexAny(begun, ", ")+1]
	found, directive := p.fromServer(cmd, begun, func(_ context.Context, s *passport.Server, _ *opened, c *completions) error {
		for _, scope := range s.Scopes() {
			c.add(before+scope.ID, scope.Description)
		}
		return nil
	})
	return found, directive
}

func (p *program) completeProvider(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	return p.fromServer(cmd, begun, func(_ context.Context, s *passport.Server, _ *opened, c *completions) error {
		for _, name := range s.Providers() {
			c.add(name, "")
		}
		return nil
	})
}

// completeUser completes the email address of an account.
func (p *program) completeUser(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	return p.completeAccount(cmd, begun, false)
}

// completeUserID completes the ID of an account.
func (p *program) completeUserID(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	return p.completeAccount(cmd, begun, true)
}

func (p *program) completeAccount(cmd *cobra.Command, begun string, byID bool) ([]string, cobra.ShellCompDirective) {
	return p.fromServer(cmd, begun, func(ctx context.Context, _ *passport.Server, in *opened, c *completions) error {
		if in == nil || in.prepareAccounts(ctx) != nil {
			return nil // an application's own users
		}
		for u, err := range in.accounts.Users(ctx) {
			if err != nil {
				return err
			}
			value, about := u.Email, u.Name
			if byID {
				value, about = u.ID, u.Email
			}
			if !c.add(value, about) {
				break
			}
		}
		return nil
	})
}
