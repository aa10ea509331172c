package console

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/page"
)

// checkViews returns everything that is wrong with the pages in a folder: faults that
// keep a server with the scopes from starting, and parts without effect.
func checkViews(dir string, scopes []passport.Scope, groups []page.Group) error {
	if _, err := os.ReadDir(dir); err != nil {
		if fault, ok := errors.AsType[*fs.PathError](err); ok {
			err = fault.Err
		}
		return fmt.Errorf("can't read %s: %w", dir, err)
	}
	views := os.DirFS(dir)
	found := []error{startViews(views, scopes), checkGroups(views, groups...)}
	ignored, err := page.Lint(views, groups...)
	for _, f := range ignored {
		found = append(found, errors.New(f.String()))
	}
	return errors.Join(append(found, err)...)
}

// startViews returns the faults that keep a server with these pages from starting.
func startViews(views fs.FS, scopes []passport.Scope) error {
	keys, err := passport.GenerateKeys()
	if err != nil {
		return err
	}
	_, err = passport.New(passport.Config{
		Issuer: "https://auth.example.com", Store: noStore{}, Keys: keys, Views: views, Scopes: scopes, Logger: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		return nil
	}
	var found []error
	for _, fault := range faults(err) {
		found = append(found, errors.New(strings.TrimPrefix(strings.TrimPrefix(fault, "Config."), "Views: ")))
	}
	return errors.Join(found...)
}

// scopes returns an optional scope if the settings have one, for which the consent page
// needs a checkbox. If the settings cannot be read, the pages are checked without it.
func (p *program) scopes() []passport.Scope {
	s, err := p.read(nil)
	if err != nil || !slices.ContainsFunc(s.Scopes, func(s passport.Scope) bool { return s.Optional }) {
		return nil
	}
	return []passport.Scope{{ID: "optional", Description: "An optional scope", Optional: true}}
}
