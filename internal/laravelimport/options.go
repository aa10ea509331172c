package laravelimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Options are the options that an import takes from the one before, unless they are given
// again. They decide what the stored records are.
type Options struct {
	Timezone      string   `json:"timezone,omitempty"`
	Prefix        string   `json:"prefix,omitempty"`
	UserProvider  string   `json:"user_provider,omitempty"`
	UsersTable    string   `json:"users_table,omitempty"`
	AllowRedirect []string `json:"allow_redirect,omitempty"`
}

const defaultZone = "UTC"

// All yields the name and the value of each option that is not the default.
func (o Options) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, one := range []struct{ name, value, normal string }{
			{"timezone", o.Timezone, defaultZone}, {"prefix", o.Prefix, ""}, {"user-provider", o.UserProvider, defaultProvider}, {"users-table", o.UsersTable, ""},
		} {
			if one.value != "" && one.value != one.normal && !yield(one.name, one.value) {
				return
			}
		}
		for _, value := range o.AllowRedirect {
			if !yield("allow-redirect", value) {
				return
			}
		}
	}
}

// maxAllowed bounds the values of --allow-redirect, of all imports together.
const maxAllowed = 1000

// options returns the options of an import. An option that is not given is empty.
func (c *Config) options() Options {
	o := Options{Prefix: c.Source.Prefix, UserProvider: c.UserProvider, UsersTable: c.UsersTable, AllowRedirect: c.AllowRedirect}
	if c.Source.Location != nil {
		o.Timezone = c.Source.Location.String()
	}
	return o
}

// takeOptions sets each option that is not given to that of the last import, or to its
// default, and returns those of the last import. It refuses options with which the stored
// records would not fit the new ones.
func (c *Config) takeOptions(ctx context.Context, store oauth.ImportStore) (taken Options, err error) {
	last, repeated, err := lastOptions(ctx, store)
	if err != nil {
		return taken, err
	}
	all := c.options()
	var faults []error
	for _, o := range []struct {
		name               string
		given, last, taken *string
		fixed              bool // also if the last import had none
		why                string
	}{
		{"timezone", &all.Timezone, &last.Timezone, &taken.Timezone, true, "the times of its records would be wrong"},
		{"prefix", &all.Prefix, &last.Prefix, &taken.Prefix, true, "the IDs of its records would be those of other tables"},
		{"user-provider", &all.UserProvider, &last.UserProvider, &taken.UserProvider, true, "the user IDs of its records would be those of other users"},
		{"users-table", &all.UsersTable, &last.UsersTable, &taken.UsersTable, false, "the IDs of its accounts would be those of other users"},
	} {
		switch {
		case *o.given == "":
			*o.given, *o.taken = *o.last, *o.last
		case repeated && *o.given != *o.last && (o.fixed || *o.last != ""):
			faults = append(faults, otherOption(o.name, *o.given, *o.last, o.why))
		}
	}
	for _, value := range last.AllowRedirect {
		if !slices.Contains(all.AllowRedirect, value) {
			taken.AllowRedirect = append(taken.AllowRedirect, value)
		}
	}
	all.AllowRedirect = union(slices.Clone(taken.AllowRedirect), all.AllowRedirect)
	if n := len(all.AllowRedirect); n > maxAllowed {
		faults = append(faults, fmt.Errorf("--allow-redirect has %d values, with those of the last import: want %d at most; admit a scheme instead of its URIs", n, maxAllowed))
	}
	if err := errors.Join(faults...); err != nil {
		return taken, err
	}
	return taken, c.set(all)
}

// otherOption refuses an option that differs from that of the last import.
func otherOption(name, given, last, why string) error {
	had, again := "--"+name+" "+last, "give --"+name+" "+last
	if last == "" {
		had, again = "no --"+name, "leave out --"+name
	}
	return fmt.Errorf("the last import had %s, and this one has %s: %s; %s, or start over and import into an empty database", had, given, why, again)
}

// set sets the options. An empty option gets its default.
func (c *Config) set(o Options) error {
	c.Source.Prefix, c.UsersTable, c.AllowRedirect = o.Prefix, o.UsersTable, o.AllowRedirect
	c.UserProvider = o.UserProvider
	if c.UserProvider == "" {
		c.UserProvider = defaultProvider
	}
	if c.Source.Location != nil {
		return nil
	}
	var err error
	if c.Source.Location, err = time.LoadLocation(o.Timezone); err != nil {
		return fmt.Errorf("find the time zone of the last import: %w", err)
	}
	return nil
}

// lastOptions returns the options of the last import. found is false before the first one.
func lastOptions(ctx context.Context, store oauth.ImportStore) (o Options, found bool, err error) {
	text, err := store.ImportNote(ctx, optionsNote)
	if errors.Is(err, oauth.ErrNotFound) {
		return o, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &o)
	}
	if err != nil {
		return o, false, fmt.Errorf("read the options of the last import: %w", err)
	}
	return o, true, nil
}
