package console

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/page"
)

// checkViews returns everything that is wrong with the pages in a folder: faults that
// keep a server from starting, and parts without effect.
func checkViews(dir string) error {
	if _, err := os.ReadDir(dir); err != nil {
		if fault, ok := errors.AsType[*fs.PathError](err); ok {
			err = fault.Err
		}
		return fmt.Errorf("can't read %s: %w", dir, err)
	}
	views := os.DirFS(dir)
	found := []error{startViews(views)}
	ignored, err := page.Lint(views)
	for _, f := range ignored {
		found = append(found, errors.New(f.String()))
	}
	return errors.Join(append(found, err)...)
}

// startViews returns the faults that keep a server with these pages from starting.
func startViews(views fs.FS) error {
	keys, err := passport.GenerateKeys()
	if err != nil {
		return err
	}
	_, err = passport.New(passport.Config{
		Issuer: "https://auth.example.com", Store: noStore{}, Keys: keys, Views: views, Logger: slog.New(slog.DiscardHandler),
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
