package page

// Link is a link in the navigation of the pages for signed-in users.
type Link struct {
	Text, URL string
	Current   bool // the link leads to the page that shows it
}
