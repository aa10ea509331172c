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
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/oauth"
)

func (p *program) clientList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the clients",
		Args:  arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.reads = true
			return p.withServer(cmd.Context(), func(ctx context.Context, s *passport.Server, in *opened) error {
				if asJSON {
					return writeArray(cmd.OutOrStdout(), s.Clients(ctx), func(c *oauth.Client) any { return describeClient(s, c, "") })
				}
				return writeTable(cmd.OutOrStdout(), "ID\tNAME\tKIND\tGRANTS\tAUDIENCE\tOWNER\tSTATE\tLIFETIMES\tREDIRECT URIS",
					none("clients", in)+": `passport client` registers one.", s.Clients(ctx), clientRow)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the names of RFC 7591")
	return cmd
}

func clientRow(c *oauth.Client) []string {
	kind := "confidential"
	switch {
	case isAPI(c):
		kind = "api"
	case c.Public():
		kind = "public"
	}
	return []string{
		c.ID, c.Name, kind, orDash(strings.Join(c.GrantTypes, " ")), orDash(c.Audience), orDash(ownerOf(c)), stateOf(c), orDash(lifetimesOf(c)),
		strings.Join(c.RedirectURIs, " "),
	}
}

// none says that there are no clients, or no accounts, and in which database: another
// folder or setting may be meant. in is nil for an application's own server.
func none(of string, in *opened) string {
	if in == nil {
		return "There are no " + of + " yet"
	}
	return "There are no " + of + " in " + safe(in.settings.DatabaseURL) + " yet"
}

// ownerOf names the user who registered the client, as tokens name users.
func ownerOf(c *oauth.Client) string {
	if c.Owner.ID == "" {
		return ""
	}
	return oauth.ForUser(c.Owner).Claim("")
}

// lifetimesOf lists the lifetimes that the client has of its own.
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
		return "revoked"
	case !c.SuspendedAt.IsZero():
		return "suspended"
	}
	return "active"
}

// clientJSON is a client for programs, in the words of RFC 7591 where it has one.
type clientJSON struct {
	ID           any      `json:"client_id"` // a number where clients have such
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
}

func describeClient(s *passport.Server, c *oauth.Client, secret string) clientJSON {
	method, _, _ := strings.Cut(string(c.AuthMethod), " ") // one of those that it may use
	described := clientJSON{
		ID: idJSON(s, c.ID), Secret: secret, Name: c.Name, AuthMethod: method,
		GrantTypes: orEmpty(c.GrantTypes), RedirectURIs: orEmpty(c.RedirectURIs),
		Provider: c.Provider, UserID: c.Owner.ID, State: stateOf(c),
		Audience: c.Audience, Origins: c.AllowedOrigins,
		CreatedAt: c.CreatedAt.UTC().Format(time.RFC3339), Attributes: c.Attributes,
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

// idJSON is a client's ID as JSON shows it: a number where the server calls its
// clients by numbers, if whoever writes that number out has the ID again.
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

// maxCell is how much of a text a table shows.
const maxCell = 80

// writeTable writes what a store yields in columns. Other people wrote the
// texts, so nothing in them may steer the terminal. none is what to say when
// there are no rows.
func writeTable[T any](w io.Writer, header, none string, items iter.Seq2[T, error], row func(T) []string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	empty := true
	for item, err := range items {
		if err != nil {
			return err
		}
		if empty {
			fmt.Fprintln(table, header)
			empty = false
		}
		cells := row(item)
		for i, cell := range cells {
			cells[i] = page.Text(cell, maxCell)
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	if empty {
		fmt.Fprintln(table, none)
	}
	return table.Flush()
}
