package console

import "github.com/go-passport/passport"

// features has the features that have a table in passport.toml. The table turns its
// feature on, also if it is empty; so does a variable of the environment for one of its
// settings. enabled = false turns it off again.
var features = map[string]func(*settings) (enabled bool, f passport.Feature){
	"device": func(s *settings) (bool, passport.Feature) { return s.DeviceEnabled, s.Device },
}

// begin records that the file or the environment has a setting of a table, or the table
// itself.
func (s *settings) begin(table string) {
	if s.begun == nil {
		s.begun = map[string]bool{}
	}
	s.begun[table] = true
}

// turnOn adds the features whose tables were begun, in the order of the settings.
func (s *settings) turnOn() {
	for _, setting := range all {
		table, _ := setting.table()
		feature, known := features[table]
		if !known || !s.begun[table] {
			continue
		}
		delete(s.begun, table)
		if enabled, f := feature(s); enabled {
			s.Features = append(s.Features, f)
		}
	}
}
