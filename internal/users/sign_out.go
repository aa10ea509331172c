package users

import (
	"slices"

	"github.com/go-passport/passport/oauth"
)

// SignOuter returns the power of a provider to end browser sessions.
func (d *Directory) SignOuter(name string) (out oauth.SignOuter, ok bool) {
	out, ok = d.Provider(name).(oauth.SignOuter)
	return out, ok
}

// WithoutSignOut returns the names of the providers that can't end browser sessions.
func (d *Directory) WithoutSignOut() []string {
	return slices.DeleteFunc(d.Names(), func(name string) bool {
		_, ok := d.SignOuter(name)
		return ok
	})
}
