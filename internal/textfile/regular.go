package textfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// MaxBytes is the length of the longest file that [Read] reads.
const MaxBytes = 1 << 20

// Regular returns an error for a folder, a named pipe, a socket or a device, which
// can't be read to an end immediately. Opening a named pipe blocks until another
// process writes to it.
func Regular(name string, mode fs.FileMode) error {
	var what string
	switch {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		what = "a folder"
	case mode&fs.ModeNamedPipe != 0:
		what = "a named pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	case mode&fs.ModeDevice != 0:
		what = "a device"
	default:
		what = "something else"
	}
	return fmt.Errorf("%s is not a regular file but %s: replace it with the file, or name another file", name, what)
}

// Read reads a regular file of at most [MaxBytes], or the file that a symbolic link
// points to.
func Read(name string) ([]byte, error) {
	if info, err := os.Stat(name); err == nil {
		if err := Regular(name, info.Mode()); err != nil {
			return nil, err
		}
	}
	return ReadBounded(name)
}

// ReadBounded reads a file of any kind, of at most [MaxBytes].
func ReadBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err == nil && len(data) > MaxBytes {
		return nil, fmt.Errorf("%s is too large: want at most 1 MiB", name)
	}
	return data, err
}
