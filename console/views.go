package console

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/internal/page"
)

func (p *program) views() *cobra.Command {
	var force, check bool
	var sure confirmation
	cmd := &cobra.Command{
		Use:   "views FOLDER",
		Short: "Write the built-in pages to a folder, to change them, or check yours",
		Long: `Writes the built-in pages to a folder, for you to change: the consent page, the smaller pages around
it, their layout and its style sheet. The pages for sign-in, sessions and passwords are in its folder
account, those for connected apps and tokens in dashboard, and the home page and the error pages of
the binary in server.

A file in the folder replaces the built-in one. If you delete it, the server uses the built-in one
again. The server doesn't start with a broken page, and its error names the file and the line.

With --check the command writes nothing. It reports every fault that keeps the server from starting,
and everything in the pages that has no effect: parts that browsers ignore, such as scripts and
images from other servers, and text outside every {{define}}. If your settings have an optional
scope, it also checks that the consent page has checkboxes. The exit status is 1 if it finds any.

On a terminal, --force asks for confirmation.`,
		Example: "  passport views views\n  passport views --check views",
		Args:    arguments("FOLDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := args[0]
			if err := named("FOLDER", checkPath(dir, folderName)); err != nil {
				return usage(cmd, err)
			}
			if check && force {
				return usage(cmd, errors.New("--check writes nothing: leave out --force"))
			}
			if check {
				if err := checkViews(dir, p.scopes(), p.groups()); err != nil {
					return err
				}
				success(cmd.OutOrStdout(), "The pages in %s have no faults.", dir)
				return nil
			}
			if err := confirmViews(ask(cmd), dir, p.groups(), force && !sure.yes); err != nil {
				return err
			}
			err := page.Write(dir, force, p.groups()...)
			if exists, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s exists: --force replaces all pages in %s with the built-in ones", exists.Path, dir)
			} else if ok {
				return fmt.Errorf("can't write %s: %w", exists.Path, exists.Err)
			} else if err != nil {
				return err
			}
			next := fmt.Sprintf("set views = %q in passport.toml", dir)
			if p.Server != nil {
				next = fmt.Sprintf("set Config.Views to os.DirFS(%q), or embed the folder", dir)
			}
			success(cmd.OutOrStdout(), "Wrote the pages to %s.", dir)
			writeNext(cmd.OutOrStdout(), "\nNext: change the pages, delete those that you don't change, and "+next+".\n")
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace existing pages")
	sure.flag(cmd)
	cmd.Flags().BoolVar(&check, "check", false, "check the pages in the folder and write nothing")
	return cmd
}

// confirmViews asks before --force replaces pages, which nothing restores. A script has
// written out --force, so it is not asked.
func confirmViews(a *asker, dir string, groups []page.Group, force bool) error {
	names := page.FileNames()
	for _, g := range groups {
		names = append(names, g.FileNames()...)
	}
	if !force || !a.tty || !anyFile(dir, names) {
		return nil
	}
	return a.confirm(fmt.Sprintf("Replace all pages in %s with the built-in ones, and lose your changes", dir))
}
