// Package console has the commands of the binary, such as serve, install, client,
// user, keys and migrate, as cobra commands.
//
// Your program runs all of them with
//
//	os.Exit(console.Run(ctx, console.New(console.Options{})))
//
// and imports the drivers of the databases that it needs. An application that embeds
// the library mounts the commands that work on its server in its own command line:
//
//	root.AddCommand(console.New(console.Options{Server: newServer}))
//
// # Configuration
//
// A flag overrides the environment, and the environment overrides the file
// passport.toml. A setting has one name in three spellings: database_url in the file,
// PASSPORT_DATABASE_URL in the environment, --database-url on the command line.
// `passport install` writes a file that explains every setting.
//
// # Exit status
//
// 0 for success, 1 for a failure, 2 for a wrong command line.
// Errors go to standard error, in a sentence that says what to do.
package console
