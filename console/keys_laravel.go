package console

import (
	"cmp"
	"fmt"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/laravelimport"
)

// laravelAlg is the algorithm of the keys of Laravel Passport.
const laravelAlg = "RS256"

// keysOfLaravel warns of keys in keys_dir that are those of a Laravel application.
const keysOfLaravel = "the signing keys are those of a Laravel application. After an import from Laravel Passport they must not sign here. " +
	"Name another folder in the setting keys_dir, and create the keys of this server there with `passport keys`"

// hasLaravelKeys reports whether a folder has the keys of a Laravel application. A key of
// another algorithm that signs in a folder of Laravel belongs to this server.
func hasLaravelKeys(folder string) bool {
	if !anyFile(folder, keyFiles) || !laravelimport.IsKeyFolder(folder) {
		return false
	}
	keys, err := passport.LoadKeys(folder)
	return err != nil || keys.Algorithms()[0] == laravelAlg
}

// refuseLaravelKeys returns an error if a folder has the keys of a Laravel application: a
// command that changes them would end the tokens of its users.
func refuseLaravelKeys(folder string) error {
	if !hasLaravelKeys(folder) {
		return nil
	}
	return fmt.Errorf("nothing was changed: the keys in %s are those of a Laravel application, and changing them would end its tokens; create the keys of this server in another folder: name it in the setting keys_dir, or with --keys-dir", folder)
}

// folderToChange returns the folder of the keys that a command changes: the given one, or
// keys_dir. It is not used if the keys are in the database.
func (s *settings) folderToChange(given string) (string, error) {
	if given == "" && s.keysInDatabase() {
		return s.KeysDir, nil
	}
	folder := cmp.Or(given, s.KeysDir)
	return folder, refuseLaravelKeys(folder)
}
