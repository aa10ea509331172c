package console

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

func (p *program) clientList() *cobra.Command {
	var asJSON, all, wide bool
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the clients",
		Long: `Lists the clients. On a terminal the table has one line for each client and leaves out
revoked ones. A pipe gets every client with every column.`,
		Example: `  passport client list
  passport client list --all --wide
  passport client list --json`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.reads = true
			return p.withServer(cmd.Context(), func(ctx context.Context, s *passport.Server, in *opened) error {
				out := screenOf(cmd.OutOrStdout())
				clients := s.Clients(ctx)
				if asJSON {
					return writeArray(out, clients, func(c *oauth.Client) any { return describeClient(s, c, "") })
				}
				if !out.terminal() {
					all, wide = true, true
				}
				hidden := 0
				if !all {
					clients = without(clients, &hidden, func(c *oauth.Client) bool { return !c.RevokedAt.IsZero() })
				}
				list := shortClientTable
				if wide {
					list = clientTable
				}
				list.none = func() string {
					if hidden > 0 {
						return "There are no active clients."
					}
					return none("clients", in) + ": `passport client` registers one."
				}
				if err := list.write(out, out.fit(wide), clients); err != nil || hidden == 0 {
					return err
				}
				screenOf(cmd.ErrOrStderr()).Printf("%s\n", dim(plural(hidden, "revoked client is", "revoked clients are")+" not shown: add --all."))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the names of RFC 7591")
	cmd.Flags().BoolVarP(&all, "all", "a", false, "list revoked clients too")
	cmd.Flags().BoolVarP(&wide, "wide", "w", false, "print every column, however wide the table gets")
	return cmd
}

// without leaves out the items that hide reports, and counts them.
func without[T any](items iter.Seq2[T, error], hidden *int, hide func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range items {
			if err == nil && hide(item) {
				*hidden++
				continue
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// clientTable is the list for programs and wide terminals.
var clientTable = table[*oauth.Client]{columns: []column[*oauth.Client]{
	{header: "ID", cell: func(c *oauth.Client) string { return c.ID }, layout: layout{style: inStyle(boldStyle)}},
	{header: "NAME", cell: func(c *oauth.Client) string { return c.Name }},
	{header: "KIND", cell: kindOf},
	{header: "GRANTS", cell: func(c *oauth.Client) string { return orDash(strings.Join(c.GrantTypes, " ")) }},
	{header: "AUDIENCE", cell: func(c *oauth.Client) string { return orDash(c.Audience) }},
	{header: "OWNER", cell: func(c *oauth.Client) string { return orDash(ownerOf(c)) }},
	{header: "STATE", cell: stateOf, layout: layout{style: stateStyle}},
	{header: "LIFETIMES", cell: func(c *oauth.Client) string { return orDash(lifetimesOf(c)) }},
	{header: "REDIRECT URIS", cell: func(c *oauth.Client) string { return strings.Join(c.RedirectURIs, " ") }},
}}

// shortClientTable is the list for a terminal of 80 columns.
var shortClientTable = table[*oauth.Client]{columns: []column[*oauth.Client]{
	{header: "NAME", cell: func(c *oauth.Client) string { return c.Name }, layout: layout{cuts: true}},
	{header: "TYPE", cell: typeOf, layout: layout{least: true}},
	{header: "STATE", cell: stateOf, layout: layout{least: true, style: stateStyle}},
	{header: "CREATED", cell: func(c *oauth.Client) string { return c.CreatedAt.UTC().Format(time.DateOnly) }, layout: layout{least: true}},
	{header: "ID", cell: func(c *oauth.Client) string { return c.ID }, layout: layout{style: inStyle(boldStyle)}},
}}

func inStyle(style *color.Color) func(string) *color.Color {
	return func(string) *color.Color { return style }
}

// stateStyle is the style of the state of a client or an account.
func stateStyle(state string) *color.Color {
	switch state {
	case stateActive:
		return greenStyle
	case stateSuspended, stateInvited:
		return yellowStyle
	}
	return redStyle
}

// kindOf says whether a client keeps a secret.
func kindOf(c *oauth.Client) string {
	switch {
	case isAPI(c):
		return "api"
	case c.Public():
		return "public"
	}
	return "confidential"
}

// typeOf says in one word what kind of application a client is.
func typeOf(c *oauth.Client) string {
	switch {
	case isAPI(c):
		return "api"
	case c.Allows("authorization_code") && c.Public():
		return "public" // in a browser, on a phone or on a desktop
	case c.Allows("authorization_code"):
		return "web"
	case c.Allows(deviceGrant):
		return "device"
	case c.Allows("client_credentials"):
		return "machine"
	case c.Allows("personal_access"):
		return "personal"
	case c.Allows("password"):
		return "password"
	case c.Allows("implicit"):
		return "implicit"
	}
	return "other"
}

// none says that there are no clients, or no accounts, and names the database: the
// user may be in the wrong folder. in is nil for an application's own server.
func none(of string, in *opened) string {
	if in == nil {
		return "There are no " + of + " yet"
	}
	return "There are no " + of + " in " + safe(in.settings.DatabaseURL) + " yet"
}

// ownerOf names the user who owns the client, as tokens name users.
func ownerOf(c *oauth.Client) string {
	if c.Owner.ID == "" {
		return ""
	}
	return oauth.ForUser(c.Owner).Claim("")
}

// lifetimesOf lists the lifetimes that the client sets itself.
func lifetimesOf(c *oauth.Client) string {
	var own []string
	for _, l := range []struct {
		name string
		d    time.Duration
	}{{"access", c.AccessTokenTTL}, {"refresh", c.RefreshTokenTTL}, {"family", c.FamilyTTL}} {
		if l.d != 0 {
			own = append(own, l.name+" "+spell(l.d))
		}
	}
	return strings.Join(own, ", ")
}

// orDash marks an empty cell that is not the last of its row.
func orDash(cell string) string { return cmp.Or(cell, "-") }

func stateOf(c *oauth.Client) string {
	switch {
	case !c.RevokedAt.IsZero():
		return stateRevoked
	case !c.SuspendedAt.IsZero():
		return stateSuspended
	}
	return stateActive
}

// The states of a client. An account is active or disabled.
const (
	stateActive    = "active"
	stateSuspended = "suspended"
	stateRevoked   = "revoked"
)

// clientJSON is a client for programs, with the names of RFC 7591 where it has them.
type clientJSON struct {
	ID           any      `json:"client_id"` // a number where clients have numbers
	Secret       string   `json:"client_secret,omitempty"`
	Name         string   `json:"client_name"`
	AuthMethod   string   `json:"token_endpoint_auth_method"`
	GrantTypes   []string `json:"grant_types"`
	RedirectURIs []string `json:"redirect_uris"`
	Scope        *string  `json:"scope,omitempty"`    // absent: every scope
	Audience     string   `json:"audience,omitempty"` // of an API
	Origins      []string `json:"allowed_origins,omitempty"`
	Provider     string   `json:"provider,omitempty"`
	UserID       string   `json:"user_id,omitempty"`
	State        string   `json:"state"`
	CreatedAt    string   `json:"created_at"`

	// In seconds; absent: the server's.
	AccessTokenTTL  int64 `json:"access_token_ttl,omitempty"`
	RefreshTokenTTL int64 `json:"refresh_token_ttl,omitempty"`
	FamilyTTL       int64 `json:"family_ttl,omitempty"`

	Attributes map[string]string `json:"attributes,omitempty"`

	*openIDJSON // nil without settings for OpenID Connect
}

func describeClient(s *passport.Server, c *oauth.Client, secret string) clientJSON {
	method, _, _ := strings.Cut(string(c.AuthMethod), " ") // one of several
	described := clientJSON{
		ID: idJSON(s, c.ID), Secret: secret, Name: c.Name, AuthMethod: method,
		GrantTypes: orEmpty(c.GrantTypes), RedirectURIs: orEmpty(c.RedirectURIs),
		Provider: c.Provider, UserID: c.Owner.ID, State: stateOf(c),
		Audience: c.Audience, Origins: c.AllowedOrigins,
		CreatedAt: c.CreatedAt.UTC().Format(time.RFC3339), Attributes: c.Attributes,
		openIDJSON:     describeOpenID(c.OpenID),
		AccessTokenTTL: seconds(c.AccessTokenTTL), RefreshTokenTTL: seconds(c.RefreshTokenTTL), FamilyTTL: seconds(c.FamilyTTL),
	}
	if c.Scopes != nil {
		scope := strings.Join(c.Scopes, " ")
		described.Scope = &scope
	}
	return described
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// maxExact is the largest integer that a reader of JSON is sure to keep
// (RFC 8259 §6).
const maxExact = 1<<53 - 1

// idJSON is a client's ID as JSON shows it: a number if the server numbers its
// clients, and if the number reads as the same ID again.
func idJSON(s *passport.Server, id string) any {
	n, err := strconv.ParseUint(id, 10, 64)
	if s.ClientIDs() != passport.Integers || err != nil || n > maxExact || strconv.FormatUint(n, 10) != id {
		return id
	}
	return n
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{} // [] in JSON, not null
	}
	return list
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// writeArray writes what a store yields as one JSON array, however long it is.
func writeArray[T any](w io.Writer, items iter.Seq2[T, error], describe func(T) any) error {
	separator := "["
	for item, err := range items {
		if err != nil {
			return err
		}
		line, err := json.Marshal(describe(item))
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s\n  %s", separator, line); err != nil {
			return err
		}
		separator = ","
	}
	if separator == "[" {
		_, err := fmt.Fprintln(w, "[]")
		return err
	}
	_, err := fmt.Fprintln(w, "\n]")
	return err
}
