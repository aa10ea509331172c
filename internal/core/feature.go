package core

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/go-passport/passport/grant"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/nilpointer"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// Feature is passport.Feature.
type Feature interface {
	Part(feature.Server) feature.Part
	Routes(*rooms.Rooms) []wire.Endpoint
}

// OfFeature returns the part of Config.Features[i]. It refuses a foreign struct that
// embeds a nil Feature, because its methods panic.
func OfFeature(i int, f Feature, s feature.Server) Part {
	p := Part{Part: feature.Part{Name: fmt.Sprintf("%T", f)}}
	if !isFeature(f) {
		p.Faults = feature.Fault("Features[%d] is %T, which is not a feature of this module: remove it", i, f)
		return p
	}
	p.Part, p.Routes = f.Part(s), f.Routes
	return p
}

// isFeature reports whether f is a feature of this module.
func isFeature(f Feature) bool {
	if f == nil || nilpointer.Is(f) {
		return false
	}
	t := reflect.TypeOf(f)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	module := strings.TrimSuffix(reflect.TypeFor[Part]().PkgPath(), "/internal/core")
	return t.PkgPath() == module || strings.HasPrefix(t.PkgPath(), module+"/")
}

// Join returns the parts as one, and all faults of them.
func Join(parts []Part) (*feature.Joined, []error) {
	all := make([]feature.Part, 0, len(parts)+1)
	for _, p := range parts {
		all = append(all, p.Part)
	}
	if !slices.ContainsFunc(all, hasDeviceGrant) {
		all = append(all, deviceOff)
	}
	return feature.Join(all...)
}

// deviceOff names the grant of a feature that the configuration lacks.
var deviceOff = feature.Part{Name: "Features", Off: map[string]string{
	grant.DeviceCode{}.GrantType(): "add passport.Device{} to Features to let clients use it",
}}

func hasDeviceGrant(p feature.Part) bool {
	return slices.ContainsFunc(p.Grants, func(g oauth.Grant) bool { return g.GrantType() == grant.DeviceCode{}.GrantType() })
}
