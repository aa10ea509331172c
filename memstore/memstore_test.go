package memstore_test

import (
	"testing"

	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/storetest"
)

func TestStore_A1_CO_03_RT_05_RT_07_D9_D14(t *testing.T) {
	storetest.Run(t, func(*testing.T) oauth.Store { return new(memstore.Store) })
}
