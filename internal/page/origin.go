package page

import (
	"iter"
	"slices"
	"strings"
)

// target is what the policy of the pages says about a kind of URL.
type target struct {
	why, remedy string
	data        bool // data: URLs are allowed
}

var (
	image = &target{"these pages load images only from your own server", "put the image on your server, and write its path, such as /logo.png", true}
	font  = &target{"these pages load fonts only from your own server", "put the font on your server, and write its path, such as /font.woff2", false}
	form  = &target{"the forms on these pages go only to your own server", "write a path on your server, or use a link", false}
)

// blocked returns the finding of an attribute whose URL the policy blocks.
func blocked(e Element, a Attribute) Finding {
	switch {
	case a.Name == "ping" && (e.Name == "a" || e.Name == "area"):
		return Finding{Part: "ping=", Why: "these pages send no pings", Remedy: takeOut}
	case a.Name == "src" && slices.Contains([]string{"video", "audio", "track"}, e.Name),
		a.Name == "src" && e.Name == "source" && a.Value != "":
		return Finding{Part: "src=", Why: "these pages play no video or audio", Remedy: "link to the file"}
	}
	t := targetOf(e, a.Name)
	if t == nil {
		return Finding{}
	}
	for url := range urls(a) {
		if t.blocks(url) {
			return t.finding(a.Name + `="` + short(url) + `"`)
		}
	}
	return Finding{}
}

// targetOf returns the kind of URL that an attribute has, or nil if browsers
// do not load it.
func targetOf(e Element, attribute string) *target {
	switch attribute {
	case "src", "srcset":
		if e.Name == "img" || e.Name == "input" || e.Name == "source" {
			return image
		}
	case "poster", "background":
		return image
	case "action", "formaction":
		if e.Name == "form" || attribute == "formaction" {
			return form
		}
	case "href", "xlink:href", "imagesrcset":
		switch e.Name {
		case "image", "feimage", "use":
			return image
		case "link":
			return linkTarget(e)
		}
	}
	return nil
}

// linkTarget returns the kind of URL that a link element has, or nil if
// browsers do not load it.
func linkTarget(e Element) *target {
	rels := strings.Fields(strings.ToLower(e.Attributes["rel"]))
	switch as := strings.TrimSpace(e.Attributes["as"]); {
	case slices.ContainsFunc(rels, isIcon):
		return image
	case !slices.Contains(rels, "preload"):
		return nil
	case strings.EqualFold(as, "image"):
		return image
	case strings.EqualFold(as, "font"):
		return font
	}
	return nil
}

func isIcon(rel string) bool {
	return slices.Contains([]string{
		"icon", "mask-icon", "fluid-icon", "apple-touch-icon", "apple-touch-icon-precomposed", "apple-touch-startup-image",
	}, rel)
}

// urls yields the URLs that an attribute can have. An {{if}} in front of a URL
// gives it several; after the start of a URL, it changes only the rest.
func urls(a Attribute) iter.Seq[string] {
	return func(yield func(string) bool) {
		parts := strings.Split(a.Value, string(control))
		for i, part := range parts {
			if strings.HasSuffix(a.Name, "srcset") {
				for url := range candidates(part) {
					if !yield(url) {
						return
					}
				}
				continue
			}
			if !yield(part) || i == 0 && strings.Trim(part, space) != "" {
				return
			}
		}
	}
}

// candidates yields the URLs of a srcset attribute.
func candidates(set string) iter.Seq[string] {
	return func(yield func(string) bool) {
		s := scanner{set, 0}
		for {
			s.skip(space + ",")
			if !s.more() {
				return
			}
			url := s.until(space)
			if !yield(strings.TrimRight(url, ",")) {
				return
			}
			if !strings.HasSuffix(url, ",") {
				s.until(",") // the descriptor
			}
		}
	}
}

// blocks reports whether the policy blocks a URL of this kind. A URL passes if
// a template action writes its origin.
func (t *target) blocks(url string) bool {
	url = strings.TrimFunc(url, func(r rune) bool { return r <= ' ' && r != output })
	url = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(url)
	scheme := ""
	if end := strings.IndexFunc(url, func(r rune) bool { return !schemeByte(r) }); end > 0 && url[end] == ':' && letter(url[0]) {
		scheme, url = strings.ToLower(url[:end]), url[end+1:]
	}
	switch scheme {
	case "data":
		return !t.data
	case "", "http", "https":
		host, ok := strings.CutPrefix(url, "//")
		host = strings.TrimLeft(host, "/")
		if end := strings.IndexAny(host, "/?#"); end >= 0 {
			host = host[:end]
		}
		return ok && host != "" && !strings.Contains(host, string(output))
	case "about", "javascript":
		return false
	}
	return true
}

func schemeByte(r rune) bool {
	return r < 0x80 && (letter(byte(r)) || '0' <= r && r <= '9' || strings.ContainsRune("+-.", r))
}

func (t *target) finding(part string) Finding {
	return Finding{Part: part, Why: t.why, Remedy: t.remedy}
}

// short returns a text in one line that fits into a message.
func short(s string) string { return Text(strings.Trim(s, separator), 60) }
