package laravel

import (
	"slices"
	"testing"

	"github.com/go-passport/passport/oauth"
)

// PHP writes one value in several forms.
func TestPayload_LP_2_Forms(t *testing.T) {
	for name, test := range map[string]struct {
		user, scopes string
		want         []string // nil: it is malformed
	}{
		"a list":              {`1`, `["place-orders","check-status"]`, []string{"place-orders", "check-status"}},
		"an array with a gap": {`"1"`, `{"0":"place-orders","2":"check-status"}`, []string{"place-orders", "check-status"}},
		"no scopes":           {`"1"`, `[]`, []string{}},
		"null":                {`"1"`, `null`, []string{}},
		"null in a list":      {`"1"`, `[null,"place-orders"]`, []string{"place-orders"}},
		"a number in a list":  {`"1"`, `[7]`, []string{"7"}},
		"a list in a list":    {`"1"`, `[["admin"]]`, nil},
		"no user":             {`null`, `[]`, nil},
	} {
		p, err := parsePayload([]byte(`{"client_id":"4","refresh_token_id":"r","access_token_id":"a","scopes":`+test.scopes+`,"user_id":`+test.user+`,"expire_time":2740000000}`), oauth.SpendRefreshToken)
		switch {
		case test.want == nil:
			if err == nil {
				t.Errorf("%s: parsePayload() = %+v, want a fault", name, p)
			}
		case err != nil:
			t.Errorf("%s: parsePayload() = %v, want the scopes %v", name, err, test.want)
		case p.UserID != "1" || !slices.Equal(p.Scopes, test.want):
			t.Errorf("%s: parsePayload() has the user %q and the scopes %v, want 1 and %v", name, p.UserID, p.Scopes, test.want)
		}
	}
}
