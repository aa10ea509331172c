package weburl

import (
	"math"
	"slices"
	"strings"
)

// The parameters of Punycode (RFC 3492 §5).
const (
	base, tMin, tMax   = 36, 1, 26
	skew, damp         = 38, 700
	firstBias, firstN  = 72, 0x80
	longestLabel       = 63
	acePrefix          = "xn--"
	punycodeCharacters = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// punycode returns the DNS form of a label that is not ASCII (RFC 3492 §6.3). ok is
// false if it is too long for DNS.
func punycode(label string) (encoded string, ok bool) {
	runes := []rune(label)
	if len(runes) > longestLabel {
		return "", false
	}
	var b strings.Builder
	b.WriteString(acePrefix)
	plain := 0
	for _, r := range runes {
		if r < firstN {
			b.WriteRune(r)
			plain++
		}
	}
	if plain > 0 {
		b.WriteByte('-')
	}
	n, delta, bias := rune(firstN), 0, firstBias
	for done := plain; done < len(runes); {
		next := slices.MinFunc(runes, func(x, y rune) int { return order(x, n) - order(y, n) })
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range runes {
			if r < n {
				delta++
			}
			if r == n {
				writeDelta(&b, delta, bias)
				bias = adapt(delta, done+1, done == plain)
				delta, done = 0, done+1
			}
		}
		delta, n = delta+1, n+1
	}
	return b.String(), b.Len() <= longestLabel
}

// order sorts the characters below n last.
func order(r, n rune) int {
	if r < n {
		return math.MaxInt32
	}
	return int(r)
}

// writeDelta writes a number of variable length (RFC 3492 §3.3).
func writeDelta(b *strings.Builder, delta, bias int) {
	for k := base; ; k += base {
		t := min(max(k-bias, tMin), tMax)
		if delta < t {
			b.WriteByte(punycodeCharacters[delta])
			return
		}
		b.WriteByte(punycodeCharacters[t+(delta-t)%(base-t)])
		delta = (delta - t) / (base - t)
	}
}

// adapt implements RFC 3492 §6.1.
func adapt(delta, points int, first bool) int {
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > (base-tMin)*tMax/2; k += base {
		delta /= base - tMin
	}
	return k + (base-tMin+1)*delta/(delta+skew)
}
