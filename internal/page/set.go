package page

// Names are the pages that a set of views may have, beside its look.
var Names = []string{"consent", "redirect", "decided", "error"}

// Renamed maps names of files in earlier versions to those of today.
var Renamed = map[string]string{"leaving.html": "redirect.html", "answered.html": "decided.html"}

// Files returns the names of the files that a set of views may have.
func Files() (names []string) {
	for _, name := range Names {
		names = append(names, name+".html")
	}
	return append(names, LayoutFile, StyleFile)
}
