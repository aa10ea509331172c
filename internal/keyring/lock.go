package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// writePatience is how long [Write] waits for a process that writes the same keys.
const writePatience = 3 * time.Second

// locked calls write while no other process writes the same key pair. It waits for
// such a process for at most patience.
func locked(private string, patience time.Duration, write func() error) error {
	file, err := target(private) // two folders may have links to one file
	if err != nil {
		return err
	}
	lock := file + ".lock"
	for waited := time.Duration(0); ; waited += lockPause {
		err := createNew(lock, nil, 0o600)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return withReadOnlyRemedy(file, err)
		}
		if waited >= patience {
			return fmt.Errorf("%s exists: another command is writing these keys, or was interrupted; if it was interrupted, remove the file", lock)
		}
		time.Sleep(lockPause)
	}
	defer func() { _ = os.Remove(lock) }()
	return write()
}

const lockPause = 5 * time.Millisecond
