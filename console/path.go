package console

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"unicode"

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/textfile"
)

// folder is the name of a folder in the settings.
type folder string

// Values that aren't a path and may have a password.
var (
	schemeBefore = regexp.MustCompile(`(?i)://|^(?:sqlite3?|file|postgres(?:ql)?|pgx5?|mysql|mariadb|https?|base64):`)
	userBefore   = regexp.MustCompile(`^[^/\\:]*:.*@`) // user:password@host
	pairInside   = regexp.MustCompile(`(?i)(?:^|[\s;])(?:host|hostaddr|user|user id|uid|password|passwd|pwd|dbname|database|sslmode|server)\s*=`)
	drivePath    = regexp.MustCompile(`^[A-Za-z]:[\\/]`)
	variable     = regexp.MustCompile(`\$(?:[A-Za-z_]|\{)`)
)

// checkPath returns an error if a value isn't the name of a file or a folder: if it is a
// URL, the address of a database or the text of a key, or if it has a part that only a
// shell replaces. The error never repeats the value, which may hold a password.
func checkPath(value, want string) error {
	switch {
	case strings.ContainsFunc(value, unicode.IsControl) || strings.Contains(value, "-----BEGIN"):
		return fmt.Errorf("want %s, in one line", want)
	case schemeBefore.MatchString(value) || pairInside.MatchString(value) || userBefore.MatchString(value) && !drivePath.MatchString(value):
		return fmt.Errorf("want %s, not a URL or the address of a database", want)
	case strings.HasPrefix(value, "~"):
		return fmt.Errorf("want %s in full: only a shell replaces ~ by the home folder", want)
	case variable.MatchString(value):
		return fmt.Errorf("want %s in full: only a shell replaces $NAME by its value", want)
	}
	return nil
}

// putPath sets a field of the type *folder or *fs.FS to a folder, or a *picture to the
// content of a file.
func putPath(field, value any) error {
	if f, ok := field.(*picture); ok {
		return putPicture(f, value)
	}
	if f, ok := field.(*keyText); ok {
		return putKeyText(f, value)
	}
	s, ok := asText(value)
	if !ok {
		return errors.New("want " + folderName)
	}
	if err := checkPath(s, folderName); err != nil {
		return err
	}
	switch f := field.(type) {
	case *folder:
		*f = folder(s)
	case *fs.FS:
		*f = os.DirFS(s)
	}
	return nil
}

// picture is the content of an image file. The setting names the file.
type picture []byte

// putPicture reads the file that a setting names.
func putPicture(field *picture, value any) error {
	name, ok := asText(value)
	if !ok {
		return errors.New("want " + fileName)
	}
	if err := checkPath(name, fileName); err != nil {
		return err
	}
	content, err := readBounded(name, brand.MaxLogo)
	if err != nil {
		return fmt.Errorf("can't read the file: %w", reason(err))
	}
	*field = content
	return nil
}

// readBounded reads a regular file of at most a number of bytes. Of a longer one it
// reads one byte more.
func readBounded(name string, most int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if err := textfile.Regular(name, info.Mode()); err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}

const (
	folderName = "the name of a folder"
	fileName   = "the name of a file"
)
