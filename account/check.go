package account

// CheckEmail returns what is wrong with the email address of a new account, or nil. It
// doesn't find out whether an account has the address already.
func CheckEmail(email string) error { return checkEmail(email) }

// CheckName returns what is wrong with the name of an account, or nil.
func CheckName(name string) error { return checkName(name) }

// CheckPassword returns what is wrong with a new password, or nil.
func CheckPassword(password string) error { return checkNewPassword(password) }
