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

// Options configures the commands. The zero value is the configuration of the binary.
type Options struct {
	// Open opens a database by the name of its driver, which the program must import.
	// Default: sql.Open.
	Open func(driver, dsn string) (*sql.DB, error)

	// Logs gets the logger of a command before the command opens a database. The
	// program passes it to its drivers and to other packages that would write to
	// standard error in another form. The logger hides the password of the database in
	// values of the key "err". Only serve has a log: all other commands pass a logger
	// that discards everything. Optional.
	Logs func(*slog.Logger)

	// Server returns an application's own server, which the commands then manage.
	// Commands that need the database and accounts of the binary are left out: serve,
	// install, migrate, user and completion. Optional.
	Server func(ctx context.Context) (*passport.Server, error)

	// Env is the environment, as NAME=value. Default: os.Environ().
	Env []string

	// Version is the version that `passport version` prints. Default: the version of the
	// module.
	Version string
}

// Format implements [fmt.Formatter]. It prints no secret: only the version.
func (o Options) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "console.Options(%s)", o.Version) }

// LogValue implements [slog.LogValuer]: only the version.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.Version) }

// New returns the command "passport" with its subcommands. Run it with [Run], or add it
// to your application's command.
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
		Long: `Passport is an OAuth 2.0 server. Applications send their users here to sign in and consent, and get
tokens for your API.

Take the tour:      passport serve --demo
Set up a server:    passport install`,
		Args:          subcommandOnly,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		Version:       options.Version,
	}
	root.SetVersionTemplate(versionLine("{{.Version}}"))
	root.SetFlagErrorFunc(p.flagError)
	p.flags(root)
	root.AddCommand(p.keys(), p.client(), p.clients(), p.purge(), p.views(), p.version())
	if options.Server == nil {
		root.AddCommand(p.serve(), p.install(), p.migrate(), p.user(), p.imports(), p.completion())
	} else {
		root.Short, root.Long = "Manage the OAuth 2.0 server of this application", "" // the application sets it up and serves it
	}
	p.help(root)
	silenceUsage(root)
	p.guardOutput(root)
	root.SetGlobalNormalizationFunc(hyphens)
	plainUsages(root)
	p.complete(root)
	return root
}

// silenceUsage keeps cobra from printing the help after an error, also if the commands
// are below another command.
func silenceUsage(cmd *cobra.Command) {
	cmd.SilenceUsage = true
	for _, sub := range cmd.Commands() {
		silenceUsage(sub)
	}
}

// guardOutput keeps the password of the database URL out of errors and out of the
// messages of drivers, and control characters out of the output. It also sets where each
// command prints warnings.
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

// program is the state that the commands share: the options of [New], the flags of
// every command, and the database once it is known.
type program struct {
	Options
	color       colorMode
	stderr      *screen
	configFile  string
	databaseURL string
	database    dburl.URL
	reads       bool      // the command changes nothing in the database
	namesAlg    bool      // the command names an algorithm of the server's keys
	notices     io.Writer // for warnings about the environment; nil if they go to the log
	warned      bool
	piped       []byte  // the settings, if they come from a pipe
	telling     telling // nil for a command that doesn't wait for its database
	building    building
}

func (p *program) flags(root *cobra.Command) {
	root.PersistentFlags().Var(&p.color, "color", "colors: auto (on a terminal), always or never")
	if p.Server != nil {
		return
	}
	root.PersistentFlags().StringVar(&p.configFile, "config", "", "read settings from `FILE` (default passport.toml, if it exists)")
	root.PersistentFlags().StringVar(&p.databaseURL, "database-url", "", "use the database at `URL`: sqlite:FILE, postgres://… or mysql://…")
}

// Run runs the command with the program's arguments, prints an error to standard error,
// and returns the exit status: 0 for success, 1 for a failure, 2 for a wrong command
// line.
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

// usageError is a wrong command line.
type usageError struct {
	err  error
	help string // the command that shows the help
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

// sentences returns the faults of an error, as a list if there are several.
func sentences(err error) string {
	all := faults(err)
	if len(all) == 1 {
		return all[0]
	}
	return fmt.Sprintf("%d things are wrong:\n  - %s", len(all), strings.Join(all, "\n  - "))
}

// faults splits an error of errors.Join. Each fault is one line.
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

// arguments requires exactly the named arguments.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usage(cmd, fmt.Errorf("%s is missing", names[len(args)]))
		case len(args) > len(names):
			return usage(cmd, fmt.Errorf("unexpected argument %q", repeatable(cmd, args[len(names)])))
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
