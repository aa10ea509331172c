package dbtest_test

import (
	"os"
	"testing"

	"github.com/go-passport/passport/internal/hashcost"
)

// TestMain makes password hashes cheap. Package account tests the real cost.
func TestMain(m *testing.M) {
	hashcost.Lower()
	os.Exit(m.Run())
}
