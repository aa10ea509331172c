package sqlstore

import (
	"encoding/json"
	"fmt"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// encodedOpenID returns the stored form of a client's settings: JSON, or NULL for none.
func encodedOpenID(o *oauth.ClientOpenID) (any, error) {
	if o == nil {
		return nil, nil //nolint:nilnil // NULL
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode the settings for OpenID Connect: %w", err)
	}
	return string(text), nil
}

// backchannel returns the column of the same name.
func backchannel(o *oauth.ClientOpenID) any {
	if o == nil || o.BackchannelLogoutURI == "" {
		return nil
	}
	return sqldb.Flag(o.BackchannelSessionRequired)
}

// decodeOpenID sets the settings of a client from their stored form.
func decodeOpenID(text string, c *oauth.Client) error {
	if text == "" {
		return nil
	}
	c.OpenID = new(oauth.ClientOpenID)
	if err := json.Unmarshal([]byte(text), c.OpenID); err != nil {
		return fmt.Errorf("read the settings for OpenID Connect of client %q: %w", c.ID, err)
	}
	return nil
}
