package console

import (
	"maps"
	"slices"

	"github.com/go-passport/passport"
)

// features are the features that have a table in passport.toml. The table turns its
// feature on, also if it is empty; so does a variable of the environment for one of its
// settings. enabled = false turns it off again.
var features = map[string]func(*settings) (enabled *bool, f passport.Feature){
	"device": func(s *settings) (*bool, passport.Feature) { return &s.DeviceEnabled, s.Device },
	"openid": func(s *settings) (*bool, passport.Feature) { return &s.OpenIDEnabled, s.OpenID },

	"laravel": func(s *settings) (*bool, passport.Feature) { return &s.Laravel.Enabled, s.Laravel.feature() },
}

// begin records that the file or the environment has a setting of a table, or the table
// itself.
func (s *settings) begin(table string) {
	if s.begun == nil {
		s.begun = map[string]bool{}
	}
	s.begun[table] = true
}

// turnOn adds the features whose tables were begun. It turns enabled off for the others.
func (s *settings) turnOn() {
	for _, table := range slices.Sorted(maps.Keys(features)) {
		enabled, f := features[table](s)
		if *enabled = *enabled && s.begun[table]; *enabled {
			s.Features = append(s.Features, f)
		}
	}
}
