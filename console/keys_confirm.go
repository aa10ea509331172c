package console

import (
	"os"
	"path/filepath"
)

// keyFiles are the names of the files of a key pair.
var keyFiles = []string{"oauth-private.key", "oauth-public.key"}

// confirm asks before --force replaces keys, which nothing restores. A script has
// written out --force, so it is not asked.
func (o *keyOptions) confirm(a *asker, folder string) error {
	if !o.force || o.sure.skip(a) || !anyFile(folder, keyFiles) {
		return nil
	}
	screenOf(a.cmd.ErrOrStderr()).Printf("There are signing keys in %s. Replacing them invalidates every token that they signed.\n%s `passport keys rotate` replaces a key without that.\n",
		bold(folder), yellow("This can't be undone."))
	return a.confirmByName("Type the name of the folder to replace its keys", folder)
}

// anyFile reports whether a folder has one of the files.
func anyFile(folder string, names []string) bool {
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(folder, name)); err == nil {
			return true
		}
	}
	return false
}
