// Package console holds the commands of the binary: serve, install, client,
// user, keys, migrate and their like, as cobra commands.
//
// A program of one's own runs all of them with
//
//	os.Exit(console.Run(ctx, console.New(console.Options{})))
//
// after it has imported the drivers of the databases that it wants. An
// application that has a command line already and embeds the library mounts
// those that act on its own server:
//
//	root.AddCommand(console.New(console.Options{Server: newServer}))
//
// # Configuration
//
// A flag beats the environment, the environment beats the file passport.toml.
// Every setting has one name in three spellings: access_token_ttl in the file,
// PASSPORT_ACCESS_TOKEN_TTL in the environment, --access-token-ttl where a
// command has a flag for it. `passport install` writes a file that explains all.
//
// # Exit status
//
// 0 when all went well, 1 when it did not, 2 when the command line was wrong.
// What went wrong stands on standard error, in a sentence that says what to do.
package console
