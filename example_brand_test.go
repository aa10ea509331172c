package passport_test

import (
	"fmt"

	"github.com/go-passport/passport"
)

// The pages have the operator's name, color and links.
func ExampleBrand() {
	config := passport.Config{Issuer: "https://auth.example.com"}
	config.Brand = passport.Brand{
		Name: "The Shop", Accent: "#0b6e4f",
		HomeURL: "https://example.com", PrivacyURL: "https://example.com/privacy",
	}
	fmt.Println(config.Validate())

	config.Brand.Accent = "#ffd400"
	fmt.Println(config.Validate())
	// Output:
	// <nil>
	// passport: Config.Brand.Accent "#ffd400": its contrast with the white text of a button is 1.4:1, want at least 4.5:1 (WCAG 2.2); use a darker color, such as #8a7200
}
