// Package useragent names the program that sent a request, by its User-Agent header.
package useragent

import "strings"

// maxAgent is how much of a User-Agent is read, in bytes.
const maxAgent = 512

// named is a word in a User-Agent, and the name that pages show for it.
type named struct{ word, name string }

// browsers is in the order of the search: most browsers also name those that they
// descend from.
var browsers = []named{
	{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"},
	{"OPR/", "Opera"}, {"OPT/", "Opera"},
	{"Vivaldi/", "Vivaldi"}, {"YaBrowser/", "Yandex"}, {"DuckDuckGo/", "DuckDuckGo"}, {"SamsungBrowser/", "Samsung Internet"},
	{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"},
	{"CriOS/", "Chrome"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"},
	{"Safari/", "Safari"},
	{"curl/", "curl"}, {"Wget/", "Wget"},
}

// systems is in the order of the search: Android is a Linux, and an iPhone says that it
// is like Mac OS X.
var systems = []named{
	{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"},
	{"Windows", "Windows"}, {"Macintosh", "macOS"}, {"Linux", "Linux"}, {"FreeBSD", "FreeBSD"}, {"OpenBSD", "OpenBSD"},
}

// Unknown is the browser of a User-Agent that names none.
const Unknown = "Unknown browser"

// Browser returns the browser and the system that a User-Agent names, in words of ours:
// "Firefox on Windows". It never contains text of the User-Agent, so it needs no
// escaping.
func Browser(userAgent string) string {
	userAgent = userAgent[:min(len(userAgent), maxAgent)]
	browser, system := find(browsers, userAgent), find(systems, userAgent)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case system != "":
		return Unknown + " on " + system
	case browser != "":
		return browser
	}
	return Unknown
}

func find(names []named, in string) string {
	for _, n := range names {
		if strings.Contains(in, n.word) {
			return n.name
		}
	}
	return ""
}

// Program returns what sent a request, in at most max bytes: [Browser] for a browser,
// otherwise the first product of the User-Agent, such as "curl/8.5.0". A product has
// only the characters of a token (RFC 9110 §5.6.2) and a slash. Program returns an empty
// text if there is no product.
func Program(userAgent string, max int) string {
	if strings.HasPrefix(userAgent, "Mozilla/") { // as all browsers begin
		return Browser(userAgent)
	}
	end := 0
	for end < min(len(userAgent), max) && (isToken(userAgent[end]) || userAgent[end] == '/') {
		end++
	}
	return strings.Clone(userAgent[:end]) // a header value is a part of all headers
}

func isToken(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
