package console_test

import (
	"testing"

	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/internal/testkit"
)

func TestOptions_FR_15_EnvironmentIsNotPrinted(t *testing.T) {
	testkit.WantHidden(t, console.Options{Env: []string{"PASSPORT_KEYS_SECRET=canary-of-a-test"}}, "canary-of-a-test")
}
