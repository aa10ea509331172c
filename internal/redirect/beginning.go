package redirect

import (
	"errors"
	"net/netip"
	"strings"
)

// beginning refuses a URI without a scheme or without the slashes after it. This
// mistake is the most frequent, and each of its forms needs its own advice.
func beginning(uri string) error {
	s := scheme(uri)
	switch {
	case (s == "https" || s == "http") && !strings.HasPrefix(uri[len(s):], "://"):
		return errors.New("has no // and host after its scheme: write it as " + s + "://, the host and the path")
	case strings.HasPrefix(uri, "https//"), strings.HasPrefix(uri, "http//"):
		return errors.New("has no colon after its scheme: write https:// or http://")
	case strings.HasPrefix(uri, "//"):
		return errors.New("has no scheme: put https: in front")
	case strings.HasPrefix(uri, "/"):
		return errors.New("is only a path: put https:// and the host in front")
	}
	return bareHost(uri, s)
}

// bareHost refuses a URI that begins with a host. If a port follows, the host looks
// like a scheme.
func bareHost(uri, scheme string) error {
	authority := uri
	if end := strings.IndexAny(uri, "/?"); end >= 0 {
		authority = uri[:end]
	}
	host, port := authority, ""
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		host, port = authority[:colon], authority[colon+1:]
	}
	switch isPort := port != "" && strings.Trim(port, "0123456789") == ""; {
	case scheme != "" && !isPort && !strings.HasPrefix(uri, "["):
		return nil
	case onDevice(host):
		return errors.New("has no scheme: put http:// in front")
	case isPort || strings.Contains(host, "."):
		return errors.New("has no scheme: put https:// in front")
	}
	return errors.New("is not absolute: begin it with https:// and the host")
}

// onDevice reports whether a host is this device.
func onDevice(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}
