package views

import "embed"

// Files are the built-in pages. A custom page has the same file name.
//
//go:embed *.html
var Files embed.FS
