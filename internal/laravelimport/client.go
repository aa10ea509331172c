package laravelimport

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/oauth"
)

// clientRow is a row of oauth_clients of versions 9 to 13.
type clientRow struct {
	id, name, secret, provider string
	userID                     string // up to version 12
	ownerType, ownerID         string // since version 13
	redirect                   string // up to version 12, separated by commas
	redirectURIs               []string
	hasURIs                    bool
	grantTypes                 []string
	hasGrants                  bool
	scopes                     []string
	hasScopes                  bool
	personal, password         bool // up to version 12
	revoked                    bool
	createdAt, updatedAt       time.Time
}

const clientPage = 500

// eachClient calls do for each client, in the order of the IDs. It reads a page before it
// calls do.
func (s *Snapshot) eachClient(ctx context.Context, do func(*clientRow) error) error {
	columns := []string{"id", "name", "secret", "provider", "revoked", "created_at", "updated_at"}
	for _, optional := range []string{"user_id", "owner_type", "owner_id", "redirect", "redirect_uris", "grant_types", "scopes", "personal_access_client", "password_client"} {
		columns = append(columns, s.orNull(clientsTable, optional))
	}
	selected := `SELECT ` + strings.Join(columns, ", ") + ` FROM ` + s.source.quoted(clientsTable)
	var last any
	for {
		q, args := selected, []any(nil)
		if last != nil {
			q, args = q+" WHERE id > ?", []any{last}
		}
		var page []*clientRow
		err := s.each(ctx, q+fmt.Sprintf(" ORDER BY id LIMIT %d", clientPage), func(rows *sql.Rows) error {
			c, err := s.scanClient(rows)
			page = append(page, c)
			return err
		}, args...)
		if err != nil {
			return fmt.Errorf("read clients: %w", err)
		}
		for _, c := range page {
			if err := do(c); err != nil {
				return err
			}
			last = c.id
		}
		if len(page) < clientPage {
			return nil
		}
	}
}

func (s *Snapshot) scanClient(rows *sql.Rows) (*clientRow, error) {
	c, created, updated := &clientRow{}, s.zone(clientsTable, "created_at"), s.zone(clientsTable, "updated_at")
	err := rows.Scan(id{&c.id}, text{&c.name}, text{&c.secret}, text{&c.provider}, flag{&c.revoked}, moment{&c.createdAt, created}, moment{&c.updatedAt, updated},
		id{&c.userID}, text{&c.ownerType}, id{&c.ownerID}, text{&c.redirect}, list{&c.redirectURIs, &c.hasURIs}, list{&c.grantTypes, &c.hasGrants}, list{&c.scopes, &c.hasScopes},
		flag{&c.personal}, flag{&c.password})
	return c, err
}

// uris returns the registered redirect URIs.
func (c *clientRow) uris() []string {
	uris := c.redirectURIs
	if !c.hasURIs {
		uris = strings.Split(c.redirect, ",")
	}
	var kept []string
	for _, uri := range uris {
		if uri != "" && !slices.Contains(kept, uri) {
			kept = append(kept, uri)
		}
	}
	return kept
}

// isPersonal reports whether Laravel issues personal access tokens with the client.
func (c *clientRow) isPersonal() bool {
	return c.personal || c.hasGrants && slices.Contains(c.grantTypes, personalGrant)
}

// The grant types that this package names.
const (
	personalGrant = "personal_access"
	codeGrant     = "authorization_code"
	machineGrant  = "client_credentials"
	passwordGrant = "password"
	refreshGrant  = "refresh_token"
	implicitGrant = "implicit"
)

// grants returns the grant types. Without such a list, a client may do what Laravel
// derives from its flags. The implicit grant is left out, because Laravel does not store
// whether the application has enabled it.
func (c *clientRow) grants() []string {
	if c.hasGrants {
		grants := slices.DeleteFunc(slices.Clone(c.grantTypes), func(name string) bool { return !isScope(name) }) // a list of names
		slices.Sort(grants)
		return slices.Compact(grants)
	}
	redirects := !c.personal && !c.password && len(c.uris()) > 0
	var grants []string
	add := func(may bool, name string) {
		if may {
			grants = append(grants, name)
		}
	}
	add(redirects, codeGrant)
	add(c.secret != "", machineGrant) // also for a client for passwords or personal access tokens
	add(c.password, passwordGrant)
	add(c.personal, personalGrant)
	add(redirects || c.password, refreshGrant)
	return grants
}

// thirdParty reports whether users consent to the client.
func (c *clientRow) thirdParty() bool {
	return !c.personal && !c.password && slices.Contains(c.grants(), codeGrant)
}

// Client is a client as it is imported.
type Client struct {
	*oauth.Client
	Bcrypt string // a hashed secret, or empty; [oauth.Client.Secrets] has the digest of a plain one
}

// mapping are the rules of an import.
type mapping struct {
	userProvider string // Laravel's name of the provider that is Config.Users
	redirects    redirect.Rules
	now          time.Time
}

// client returns the client of a row. The error says why it can't be imported. refused
// are the redirect URIs that are left out, with the reason.
func (m mapping) client(c *clientRow) (client *Client, refused []error, err error) {
	uris, refused := m.redirectURIs(c)
	if len(c.uris()) > 0 && len(uris) == 0 && slices.Contains(c.grants(), codeGrant) {
		return nil, refused, errors.New(whyRedirects)
	}
	if c.id == "" || !storable(c.id) {
		return nil, nil, errors.New("the ID is empty, longer than 255 bytes or not text")
	}
	if err := m.checkProvider(c.provider); err != nil {
		return nil, refused, err
	}
	client = &Client{Client: &oauth.Client{
		ID: c.id, Name: cut(c.name, maxName), AuthMethod: oauth.AuthSecret, Provider: m.provider(c.provider), Owner: m.owner(c),
		RedirectURIs: uris, GrantTypes: c.grants(), CreatedAt: orNow(c.createdAt, m.now), UpdatedAt: c.updatedAt,
	}}
	if c.hasScopes {
		client.Scopes = slices.DeleteFunc(c.scopes, func(name string) bool { return !isScope(name) })
	}
	if c.revoked {
		client.RevokedAt = orNow(c.updatedAt, m.now)
	}
	switch {
	case c.secret == "":
		client.AuthMethod = oauth.AuthNone
	case isBcrypt(c.secret):
		client.Bcrypt = c.secret
	case strings.HasPrefix(c.secret, "$argon2"):
		return nil, refused, errors.New("its secret is hashed with argon2, which is not supported: create a new secret in Laravel with the bcrypt driver, or a new client")
	default:
		client.Secrets = []oauth.Secret{{Digest: oauth.DigestOf(c.secret), CreatedAt: client.CreatedAt}}
	}
	return client, refused, nil
}

// maxName is the longest [oauth.Client.Name], in bytes.
const maxName = 255

// cut returns the first bytes of a text, without half a character.
func cut(s string, most int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	for len(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

func orNow(at, now time.Time) time.Time {
	if at.IsZero() {
		return now
	}
	return at
}

func isBcrypt(s string) bool {
	return len(s) == 60 && strings.HasPrefix(s, "$2") && s[3] == '$' && strings.Contains("aby", s[2:3])
}

// redirectURIs returns the redirect URIs that this server admits. A client that redirects no
// user keeps none: Laravel stores http://localhost for it.
func (m mapping) redirectURIs(c *clientRow) (uris []string, refused []error) {
	if grants := c.grants(); !slices.Contains(grants, codeGrant) && !slices.Contains(grants, implicitGrant) {
		return nil, nil
	}
	for _, uri := range c.uris() {
		if err := m.redirects.Validate(uri); err != nil {
			refused = append(refused, fmt.Errorf("%.200q %w", safeurl.Text(uri), err))
			continue
		}
		uris = append(uris, uri)
	}
	return uris, refused
}

// checkAllowed refuses what the settings of the server refuse too: they must admit the same
// schemes and URIs.
func checkAllowed(values []string) error {
	for _, v := range values {
		before, _, isURI := strings.Cut(v, ":")
		if !isURI {
			if err := redirect.CheckScheme(v); err != nil {
				return fmt.Errorf("--allow-redirect: %.200q %w; to admit the http URI of one client, give the whole redirect URI", v, err)
			}
			continue
		}
		shown, scheme := safeurl.Text(v), strings.ToLower(before)
		wrong := redirect.CheckScheme(scheme)
		switch {
		case scheme == "http":
			if err := (redirect.Rules{HTTP: true}).Validate(v); err != nil {
				return fmt.Errorf("--allow-redirect: %.200q %w", shown, err)
			}
		case scheme == "https":
			return fmt.Errorf("--allow-redirect: %.200q: https needs no option, and other faults of a redirect URI can't be admitted: change it in Laravel", shown)
		case wrong != nil:
			return fmt.Errorf("--allow-redirect: %.200q: %q %w", shown, scheme, wrong)
		default:
			return fmt.Errorf("--allow-redirect: %.200q: give its scheme alone: --allow-redirect %s", shown, scheme)
		}
	}
	return nil
}

// provider returns our name of a provider: empty for the default one.
func (m mapping) provider(name string) string {
	if name == m.userProvider {
		return ""
	}
	return name
}

// checkProvider refuses a provider that this server can't have under its name. Users of
// one provider must never be taken for those of another.
func (m mapping) checkProvider(name string) error {
	switch {
	case name == "" || name == m.userProvider:
		return nil
	case name == defaultProvider:
		return fmt.Errorf("its user provider %s has the name of the default provider here, which --user-provider says is %.100q: rename it in Laravel", name, m.userProvider)
	case !oauth.ValidProvider(name):
		return fmt.Errorf("its user provider %.100q can't have this name here: want lower-case letters, digits, hyphens and underscores, and not client; rename it in Laravel", name)
	}
	return nil
}

// defaultProvider is the name of Config.Users in an [oauth.UserRef].
const defaultProvider = "users"

// user returns the reference to a user of a client.
func (m mapping) user(clientProvider, userID string) oauth.UserRef {
	if clientProvider == "" {
		clientProvider = defaultProvider
	}
	return oauth.UserRef{Provider: clientProvider, ID: userID}
}

// owner returns the user that a client belongs to. Since version 13 the owner is of a
// class: App\Models\User is of the provider users, App\Models\Admin of admins. The owner
// of another class, such as a team, is not a user: the client gets no owner.
func (m mapping) owner(c *clientRow) oauth.UserRef {
	if c.ownerType == "" {
		if c.userID == "" || !storable(c.userID) {
			return oauth.UserRef{}
		}
		return m.user(m.provider(c.provider), c.userID)
	}
	if !storable(c.ownerID) {
		return oauth.UserRef{}
	}
	class := strings.ToLower(c.ownerType[strings.LastIndexByte(c.ownerType, '\\')+1:])
	if c.ownerID == "" || class+"s" != m.userProvider && class+"s" != c.provider && class != m.userProvider {
		return oauth.UserRef{}
	}
	if class+"s" == c.provider {
		return m.user(m.provider(c.provider), c.ownerID)
	}
	return m.user("", c.ownerID)
}
