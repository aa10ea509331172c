package console

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  "Prints the versions of the command and of Go, and the platform that it was built for.",
		Args:  arguments(),
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprint(cmd.OutOrStdout(), versionLine(p.Version))
		},
	}
}

// versionLine is the output of `passport version` and of `passport --version`.
func versionLine(version string) string {
	return fmt.Sprintf("passport %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
