package console

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
)

func (p *program) views() *cobra.Command {
	var force, check bool
	cmd := &cobra.Command{
		Use:   "views FOLDER",
		Short: "Write the pages that users see, to change them, or check them",
		Long: `Writes the pages that users see to a folder, to start your own from: the consent page, the
three smaller ones, the layout that they share, and its style sheet.

What is in the folder takes the place of what is built in, and what you delete from it is built in
again. A page that is broken keeps the server from starting, and says where and why.

With --check it writes nothing. It reports what keeps the server from starting, and what has no
effect in these pages: what browsers ignore, such as scripts and images from other servers, and
what is outside every {{define}}. The exit status is 1 if there is any.`,
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
				if err := checkViews(dir); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "The pages in %s are fine.\n", dir)
				return nil
			}
			err := passport.WriteViews(dir, force)
			if exists, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s is there already: --force replaces all pages in %s by those that are built in", exists.Path, dir)
			} else if ok {
				return fmt.Errorf("%s cannot be written: %w", exists.Path, exists.Err)
			} else if err != nil {
				return err
			}
			next := fmt.Sprintf("put views = %q into passport.toml", dir)
			if p.Server != nil {
				next = fmt.Sprintf("set Config.Views to os.DirFS(%q), or embed the folder", dir)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Wrote the pages to %s.\n\nNext: change them, delete those that may stay as they are, and %s.\n", dir, next)
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace the pages that are there")
	cmd.Flags().BoolVar(&check, "check", false, "check the pages in the folder, and write nothing")
	return cmd
}
