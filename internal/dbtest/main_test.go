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

// TestMain makes password hashes cheap: package account tests the real cost. It runs
// more tests in parallel than there are cores, because they wait for the databases
// most of the time.
func TestMain(m *testing.M) {
	hashcost.Lower()
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		_ = parallel.Value.Set(strconv.Itoa(3 * runtime.GOMAXPROCS(0)))
	}
	code := m.Run()
	if err := dbtest.DropReused(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
