package users

import (
	"fmt"
	"net/http"

	"github.com/go-passport/passport/oauth"
)

// SignedIn returns the user that is signed in to the browser that sent r, or
// [oauth.ErrNotFound]. An empty provider means any; see [Directory.InBrowser].
func (d *Directory) SignedIn(r *http.Request, provider string) (oauth.UserRef, *oauth.User, error) {
	find := d.InBrowser
	if provider != "" {
		find = func(r *http.Request) (*Account, error) { return d.Current(r, provider) }
	}
	who, err := find(r)
	switch {
	case err != nil:
		return oauth.UserRef{}, nil, err
	case who == nil:
		return oauth.UserRef{}, nil, oauth.ErrNotFound
	}
	return who.Ref, who.User, nil
}

// SignInURL returns the URL of a provider's sign-in page. An empty provider means the
// first.
func (d *Directory) SignInURL(r *http.Request, provider, returnTo string) (string, error) {
	if names := d.Names(); provider == "" && len(names) > 0 {
		provider = names[0]
	}
	p := d.Provider(provider)
	if p == nil {
		return "", fmt.Errorf("the user provider %q is not configured", provider)
	}
	url := p.SignInURL(r, returnTo)
	if url == "" {
		return "", fmt.Errorf("SignInURL of the provider %q returned nothing; return the address of a sign-in page", provider)
	}
	return url, nil
}
