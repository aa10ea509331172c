package account_test

import (
	"testing"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/testkit"
)

func TestNewUser_FR_15_PasswordIsNotPrinted(t *testing.T) {
	user := account.NewUser{Email: "ada@example.com", Password: "canary-of-a-test", PasswordHash: "canary-of-a-test"}
	testkit.WantHidden(t, user, "canary-of-a-test")
	testkit.WantHidden(t, &user, "canary-of-a-test")
}
