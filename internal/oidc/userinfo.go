package oidc

import (
	"net/http"
	"slices"

	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/ctxtoken"
	"github.com/go-passport/passport/internal/formdata"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/lastused"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// userInfo is /oauth/userinfo (OpenID Connect Core §5.3).
type userInfo struct {
	log     wire.Log
	claims  *idtoken.Service
	uses    *lastused.Uses
	guarded http.Handler // admits a user's token with openid, then calls respond
}

func newUserInfo(r *rooms.Rooms) *userInfo {
	u := &userInfo{log: r.Log, claims: r.IDTokens, uses: r.Uses}
	admit := guard.New(guard.Config{Verify: r.Tokens.VerifyForUserInfo, Realm: "userinfo", Logger: r.Log.Logger}, guard.RuleFunc(ofUser), guard.RuleFunc(withOpenID))
	u.guarded = admit(http.HandlerFunc(u.respond))
	return u
}

const userInfoMethods = "GET, POST"

// ServeHTTP implements [http.Handler]. Pages of any origin may call it, because the token
// is never in a cookie.
func (u *userInfo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions {
		wire.OpenPreflight(w, r, userInfoMethods)
		return
	}
	wire.AllowAnyOrigin(w)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if err := readBody(r); err != nil {
			u.log.WriteError(w, r, err)
			return
		}
	default:
		u.log.WrongMethod(w, r, userInfoMethods, oauth.InvalidRequest.Errorf("the UserInfo endpoint accepts only GET and POST"))
		return
	}
	ctx := ctxtoken.With(r.Context(), ctxtoken.Admitted{}) // not a token that another guard admitted
	u.guarded.ServeHTTP(w, r.WithContext(ctx))
}

// readBody reads the body of a POST, which says nothing: the token is in the header. It
// refuses a token in a form, where the logs of applications and proxies have it (OAuth 2.1
// §5.1.1).
func readBody(r *http.Request) error {
	isToken := func(name string) bool { return name == "access_token" }
	if err := formdata.ParseForm(r, isToken); err != nil {
		return wire.Unreadable(err)
	}
	if r.PostForm.Has("access_token") {
		return oauth.InvalidRequest.Errorf("access_token was sent in the body: send it in the header Authorization: Bearer")
	}
	if _, err := wire.Received(r); err != nil {
		return wire.Unreadable(err)
	}
	return nil
}

// ofUser admits the tokens of users.
func ofUser(t *oauth.AccessToken) error {
	if _, ok := t.Subject().User(); !ok {
		return oauth.InsufficientScope.Errorf("the token belongs to a client: a user's token is required")
	}
	return nil
}

// withOpenID admits tokens with the scope openid. The scope * does not include it.
func withOpenID(t *oauth.AccessToken) error {
	if slices.Contains(t.Scopes, idtoken.Scope) {
		return nil
	}
	e := oauth.InsufficientScope.Errorf("the token lacks the scope openid")
	e.Scope = idtoken.Scope
	return e
}

// respond writes the claims of the token's scopes.
func (u *userInfo) respond(w http.ResponseWriter, r *http.Request) {
	admitted, _ := ctxtoken.From(r.Context())
	t := admitted.Token
	claims, err := u.claims.Claims(r.Context(), admitted.User, t.Client, t.Scopes)
	if err != nil {
		u.log.WriteError(w, r, err)
		return
	}
	u.uses.Note(t.Family, r)
	claims["sub"] = t.Subject().Claim(t.Client.ID)
	wire.WriteJSON(w, http.StatusOK, claims)
}
