package memstore_test

import (
	"testing"

	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) oauth.Store { return new(memstore.Store) })
}
