package console

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dburl"
)

// Options says what the commands work on. The zero value is that of the binary.
type Options struct {
	// Open opens a database by the name of its driver, which the program has
	// to import; sql.Open by default.
	Open func(driver, dsn string) (*sql.DB, error)

	// Logs, when given, gets the log of a command before the command opens a
	// database. The program passes it on to its drivers and to what else would write
	// to standard error in another form. The password of the database is hidden in
	// the values of the key "err". It is a log that discards everything for all
	// commands but serve, which have no log.
	Logs func(*slog.Logger)

	// Server, when given, returns an application's own server. The commands
	// are then those that manage it; serve, install, migrate and user, which
	// need the binary's database and accounts, are left out.
	Server func(ctx context.Context) (*passport.Server, error)

	// Env is the environment, as NAME=value; os.Environ() when nil.
	Env []string

	// Version is what `passport version` prints; that of the module by default.
	Version string
}

// Format implements [fmt.Formatter]. It prints no secret: only the version.
func (o Options) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "console.Options(%s)", o.Version) }

// LogValue implements [slog.LogValuer]: only the version.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.Version) }

// New returns the command "passport" with all that are below it. Run it with
// [Run], or mount it in a command of your own.
func New(options Options) *cobra.Command {
	if options.Open == nil {
		options.Open = sql.Open
	}
	if options.Logs == nil {
		options.Logs = func(*slog.Logger) {}
	}
	if options.Env == nil {
		options.Env = os.Environ()
	}
	options.Version = cmp.Or(options.Version, moduleVersion())
	p := &program{Options: options}
	p.color.lookup = p.lookup
	root := &cobra.Command{
		Use:   "passport",
		Short: "An OAuth 2.0 server",
		Long: `Passport is an OAuth 2.0 server: applications send their users here to sign in and
to consent, and get the tokens with which they call your API.

Look around with nothing installed:   passport serve --demo
Set up a server of your own:          passport install`,
		Args:          subcommandOnly,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		Version:       options.Version,
	}
	root.SetVersionTemplate(versionLine("{{.Version}}"))
	root.SetFlagErrorFunc(p.flagError)
	root.CompletionOptions.HiddenDefaultCmd = true
	p.flags(root)
	root.AddCommand(p.keys(), p.client(), p.purge(), p.views(), p.version())
	if options.Server == nil {
		root.AddCommand(p.serve(), p.install(), p.migrate(), p.user())
	} else {
		root.Short, root.Long = "Manage the OAuth 2.0 server of this application", "" // it is set up and served elsewhere
	}
	p.help(root)
	silenceUsage(root)
	p.guardOutput(root)
	return root
}

// silenceUsage keeps a failure from being buried under the help, also where the
// commands are mounted below another one.
func silenceUsage(cmd *cobra.Command) {
	cmd.SilenceUsage = true
	for _, sub := range cmd.Commands() {
		silenceUsage(sub)
	}
}

// guardOutput keeps the password of the database URL out of the error of every
// command and out of the messages of drivers, and control characters out of what it prints. It
// also gives each command a place for warnings.
func (p *program) guardOutput(cmd *cobra.Command) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			p.useScreens(cmd)
			p.notices = cmd.ErrOrStderr()
			return p.database.Hide(run(cmd, args))
		}
	}
	for _, sub := range cmd.Commands() {
		p.guardOutput(sub)
	}
}

// program is what the commands share: the options of [New], the flags that every
// command has, and the database once it is known.
type program struct {
	Options
	color       colorMode
	stderr      *screen
	configFile  string
	databaseURL string
	database    dburl.URL
	reads       bool      // the command changes nothing in the database
	notices     io.Writer // for warnings about the environment; nil where they go to the log
	warned      bool
	piped       []byte  // the settings, if they come from a pipe
	telling     telling // nil for a command that does not wait for its database
	building    building
}

func (p *program) flags(root *cobra.Command) {
	root.PersistentFlags().Var(&p.color, "color", "colours: auto (on a terminal), always or never")
	if p.Server != nil {
		return
	}
	root.PersistentFlags().StringVar(&p.configFile, "config", "", "read settings from `FILE` (default passport.toml, if there is one)")
	root.PersistentFlags().StringVar(&p.databaseURL, "database-url", "", "keep everything in the database at `URL`: sqlite:FILE, postgres://… or mysql://…")
}

// Run runs the command with the program's arguments, reports what went wrong on
// standard error, and returns the exit status: 0, 1 for a failure, 2 for a
// command line that makes no sense.
func Run(ctx context.Context, cmd *cobra.Command) int {
	executed, err := cmd.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	printError(executed, err)
	if _, wrong := errors.AsType[*usageError](err); wrong {
		return 2
	}
	return 1
}

// usageError is a command line that makes no sense.
type usageError struct {
	err  error
	help string // the command whose help shows how it is done
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(cmd *cobra.Command, err error) error {
	return &usageError{err, cmd.CommandPath() + " --help"}
}

// printError prints an error for people: a sentence, or a list of several faults. In a
// pipe the line begins with the program's name, because it may end up in a log.
func printError(cmd *cobra.Command, err error) {
	color := &colorMode{when: colorNever}
	if flag := cmd.Flag("color"); flag != nil {
		if mode, ok := flag.Value.(*colorMode); ok {
			color = mode
		}
	}
	out := newScreen(cmd.ErrOrStderr(), color)
	begin := styled{text: "passport:"}
	if out.terminal() {
		begin = red("error:")
	}
	out.Printf("%s %s\n", begin, sentences(err))
	if wrong, ok := errors.AsType[*usageError](err); ok {
		out.Printf("See `%s`.\n", wrong.help)
	}
}

// sentences returns the faults of an error, below one another if they are many.
func sentences(err error) string {
	all := faults(err)
	if len(all) == 1 {
		return all[0]
	}
	return fmt.Sprintf("%d things are wrong:\n  - %s", len(all), strings.Join(all, "\n  - "))
}

// faults takes apart what errors.Join put together. Each fault is one line.
func faults(err error) []string {
	joined, ok := err.(interface{ Unwrap() []error })
	if ok {
		var lines, texts []string
		for _, e := range joined.Unwrap() {
			lines = append(lines, e.Error())
			texts = append(texts, faults(e)...)
		}
		if strings.Join(lines, "\n") == err.Error() { // and not a sentence that wraps two errors
			return texts
		}
	}
	line := strings.Join(strings.Fields(err.Error()), " ")
	return []string{strings.TrimPrefix(line, "passport: ")}
}

// subcommandOnly refuses what is no command, and names the one that was meant.
func subcommandOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	err := fmt.Errorf("%q is no command of %s", repeatable(cmd, args[0]), cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
	}
	return usage(cmd, err)
}

// arguments demands exactly the named arguments.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usage(cmd, fmt.Errorf("%s is missing", names[len(args)]))
		case len(args) > len(names):
			return usage(cmd, fmt.Errorf("%q is one argument too many", repeatable(cmd, args[len(names)])))
		}
		return nil
	}
}

func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return cmp.Or(info.Main.Version, "unknown")
}
