package dbtest_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/hashcost"
)

// TestMain makes password hashes cheap. Package account tests the real cost.
func TestMain(m *testing.M) {
	hashcost.Lower()
	code := m.Run()
	if err := dbtest.DropReused(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
