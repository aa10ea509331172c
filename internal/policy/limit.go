package policy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-passport/passport/oauth"
)

// Unlimited is the value of a setting that has no limit.
const Unlimited = -1

// CheckLimits returns the faults of limits, by the names of their fields. The only
// valid negative value is -1.
func CheckLimits(limits map[string]int) (found []error) {
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		if n := limits[name]; n < Unlimited {
			found = append(found, fmt.Errorf("%s is %d: want a positive number, 0 for the default, or -1 for no limit", name, n))
		}
	}
	return found
}

// limitError is [oauth.ErrLimit] with a text that names the limit and the remedy.
type limitError string

// LimitReached returns an error that is [oauth.ErrLimit], with the caller's text.
func LimitReached(format string, args ...any) error {
	return limitError(fmt.Sprintf(format, args...))
}

func (e limitError) Error() string { return string(e) }

// Is reports whether target is [oauth.ErrLimit].
func (limitError) Is(target error) bool { return target == oauth.ErrLimit }
