package console

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/account"
)

func (p *program) userList() *cobra.Command {
	var asJSON, wide bool
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the accounts",
		Long:    "Lists the accounts. On a terminal the table fits the width. A pipe gets every column.",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.reads = true
			return p.withAccounts(cmd.Context(), func(ctx context.Context, in *opened) error {
				out := screenOf(cmd.OutOrStdout())
				if asJSON {
					return writeArray(out, in.accounts.Users(ctx), func(u *account.User) any { return describeUser(u) })
				}
				list := userTable
				if out.terminal() && !wide {
					list = shortUserTable
				}
				list.none = func() string { return none("accounts", in) + ": `passport user create` creates one." }
				return list.write(out, out.fit(wide), in.accounts.Users(ctx))
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&wide, "wide", "w", false, "print every column, however wide the table gets")
	return cmd
}

// userTable is the list for programs and wide terminals.
var userTable = table[*account.User]{columns: []column[*account.User]{
	{header: "ID", cell: func(u *account.User) string { return u.ID }, layout: layout{style: inStyle(boldStyle)}},
	{header: "EMAIL", cell: func(u *account.User) string { return u.Email }},
	{header: "NAME", cell: func(u *account.User) string { return u.Name }},
	{header: "STATE", cell: stateOfUser, layout: layout{style: stateStyle}},
	{header: "CREATED", cell: createdOfUser},
}}

// shortUserTable is the list for a terminal of 80 columns. It has no ID, because the
// commands for accounts take an email address, too.
var shortUserTable = table[*account.User]{columns: []column[*account.User]{
	{header: "EMAIL", cell: func(u *account.User) string { return u.Email }, layout: layout{cuts: true, style: inStyle(boldStyle)}},
	{header: "NAME", cell: func(u *account.User) string { return u.Name }, layout: layout{cuts: true}},
	{header: "STATE", cell: stateOfUser, layout: layout{style: stateStyle}},
	{header: "CREATED", cell: createdOfUser, layout: layout{least: true}},
}}

func createdOfUser(u *account.User) string { return u.CreatedAt.UTC().Format(time.DateOnly) }
