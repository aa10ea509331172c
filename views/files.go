package views

import "embed"

// Files are the pages, by the names that an application gives its own.
//
//go:embed *.html
var Files embed.FS
