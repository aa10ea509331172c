package console

import "strconv"

// warnCompat warns if a server with these settings refuses the tokens of Laravel, and shows
// what to add. publicKey is the file with Laravel's key; empty if it is not known.
func warnCompat(out *screen, s *settings, publicKey string) {
	const refuses = "passport serve refuses each token of Laravel. "
	switch {
	case s.Laravel.Enabled:
		return
	case s.begun["laravel"]:
		out.Printf("\n%s\n", yellow(refuses+"The setting laravel.enabled is false."))
		return
	}
	key := `"…" # the file oauth-public.key of Laravel`
	if publicKey != "" {
		key = strconv.Quote(publicKey)
	}
	out.Printf("\n%s\n  [laravel]\n  public_key = %s\n  app_keys = [\"…\"] # APP_KEY of Laravel\n%s\n", yellow(refuses+"Add this table to passport.toml:"), key,
		yellow("In a Go application, add the feature laravel.Compat to Config.Features instead."))
}
