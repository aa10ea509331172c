package passport_test

import (
	"os"
)

func ExampleConfig_views() {
	config.Views = os.DirFS("views") // or an embed.FS, with fs.Sub
}
