package account

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

// unknownDevice is the device of a session without a known User-Agent.
const unknownDevice = "Unknown browser"

// device returns the browser and the system that a User-Agent names, in words of ours:
// "Firefox on Windows". It never contains text of the User-Agent, so it needs no
// escaping.
func device(userAgent string) string {
	userAgent = userAgent[:min(len(userAgent), maxAgent)]
	browser, system := find(browsers, userAgent), find(systems, userAgent)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case system != "":
		return unknownDevice + " on " + system
	case browser != "":
		return browser
	}
	return unknownDevice
}

func find(names []named, in string) string {
	for _, n := range names {
		if strings.Contains(in, n.word) {
			return n.name
		}
	}
	return ""
}
