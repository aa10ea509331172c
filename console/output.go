package console

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/internal/character"
)

// escaped is a writer that escapes control characters, because a name from a row of
// an older version must not steer the terminal. The escapes are those of JSON, so
// JSON keeps its values.
type escaped struct{ io.Writer }

// Write implements [io.Writer]. A character must not be split between two calls.
func (w escaped) Write(p []byte) (int, error) {
	text := character.Escape(strings.ToValidUTF8(string(p), "\uFFFD"), "\n\t")
	if _, err := io.WriteString(w.Writer, text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// escapeOutput lets a command write only through [escaped].
func escapeOutput(cmd *cobra.Command) {
	cmd.SetOut(escaped{cmd.OutOrStdout()})
	cmd.SetErr(escaped{cmd.ErrOrStderr()})
}
