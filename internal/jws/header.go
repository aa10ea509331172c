package jws

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// header has the parameters of a JOSE header that Verify uses.
type header struct{ alg, kid, typ string }

// refused are the header parameters that would let a token bring its own key or
// change what is signed. No extension that crit could name is supported (RFC
// 7515 §4.1.11, RFC 7797 §3).
var refused = []string{"crit", "b64", "jku", "jwk", "x5u", "x5c", "zip", "enc"}

var errHeader = errors.New("jws: the header is not a flat JSON object")

// readHeader reads a header strictly: one object, no repeated names, exact
// spelling, no nested values. Attackers have exploited parsers that disagree
// about the rest, and our headers need no nested values.
func readHeader(raw []byte) (header, error) {
	var h header
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return h, errHeader
	}
	seen := map[string]bool{}
	for d.More() {
		name, value, err := member(d)
		switch {
		case err != nil:
			return h, err
		case seen[name]:
			return h, errors.New("jws: the header repeats a parameter")
		case slices.Contains(refused, name):
			return h, errors.New("jws: the header has the parameter " + name + ", which is not accepted")
		}
		seen[name] = true
		if err := h.set(name, value); err != nil {
			return h, err
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return h, errHeader
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return h, errHeader
	}
	return h, nil
}

// member reads a name and its value.
func member(d *json.Decoder) (string, any, error) {
	t, err := d.Token()
	name, ok := t.(string)
	if err != nil || !ok {
		return "", nil, errHeader
	}
	value, err := d.Token()
	if _, nested := value.(json.Delim); err != nil || nested {
		// The error names a refused parameter, whatever its value.
		if slices.Contains(refused, name) {
			return name, nil, nil
		}
		return "", nil, errHeader
	}
	return name, value, nil
}

// set sets the field of a known parameter. It ignores the others (RFC 7515 §4).
func (h *header) set(name string, value any) error {
	field := map[string]*string{"alg": &h.alg, "kid": &h.kid, "typ": &h.typ}[name]
	if field == nil {
		return nil
	}
	text, ok := value.(string)
	if !ok {
		return errors.New("jws: the header's " + name + " is not a string")
	}
	*field = text
	return nil
}

// choose returns the key that the header's kid names. The header's alg and typ
// must match.
func (h header) choose(keys []*Key, typ string) (*Key, error) {
	i := slices.IndexFunc(keys, func(k *Key) bool { return k.ID == h.kid })
	switch {
	case i < 0:
		return nil, ErrUnknownKey
	case h.alg != keys[i].Alg:
		return nil, errors.New("jws: the header's alg is not the key's")
	case !strings.EqualFold(h.typ, typ) && !strings.EqualFold(h.typ, "application/"+typ):
		return nil, errors.New("jws: the header's typ is not " + typ)
	}
	return keys[i], nil
}
