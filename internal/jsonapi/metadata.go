package jsonapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/storable"
	"github.com/go-passport/passport/oauth"
)

// metadataFields are the fields that describe a client on pages. A request that sets
// others, such as verified, changes nothing about them: only the operator may.
var metadataFields = []string{"client_uri", "policy_uri", "tos_uri", "contacts"}

// describes reports whether a request has metadata of a client.
func (in input) describes() bool {
	return slices.ContainsFunc(metadataFields, func(field string) bool { _, sent := in[field]; return sent })
}

// metadata changes m as a request says. A field that is missing keeps its value; null,
// and an empty text or list, remove it.
func (f *faults) metadata(in input, m *oauth.ClientMetadata) {
	for _, link := range []struct {
		field string
		to    *string
	}{{"client_uri", &m.ClientURI}, {"policy_uri", &m.PolicyURI}, {"tos_uri", &m.TOSURI}} {
		if value, sent := in[link.field]; sent {
			*link.to = f.link(link.field, value)
		}
	}
	if value, sent := in["contacts"]; sent {
		m.Contacts = f.contacts(value)
	}
}

// link checks a field that is a URL or empty.
func (f *faults) link(field string, value any) string {
	name := strings.ReplaceAll(field, "_", " ")
	text, isText := value.(string)
	switch {
	case value == nil:
	case !isText:
		f.add(field, fmt.Sprintf("The %s field must be a string.", name))
	case len(text) > oauth.MaxLink:
		f.add(field, fmt.Sprintf("The %s field must not be greater than %d bytes.", name, oauth.MaxLink))
	case !brand.IsLink(text):
		f.add(field, fmt.Sprintf("The %s field must be an https URL, or http on a loopback address.", name))
	}
	return text
}

// contacts checks the field contacts: a list of texts.
func (f *faults) contacts(value any) (contacts []string) {
	list, isList := value.([]any)
	switch {
	case isEmpty(value):
		return nil
	case !isList:
		f.add("contacts", "The contacts field must be an array.")
	case len(list) > oauth.MaxContacts:
		f.add("contacts", fmt.Sprintf("The contacts field must not have more than %d items.", oauth.MaxContacts))
		return nil
	}
	for i, item := range list {
		field := fmt.Sprintf("contacts.%d", i)
		text, isText := item.(string)
		switch {
		case !isText:
			f.add(field, fmt.Sprintf("The %s field must be a string.", field))
		case !storable.Name(text):
			f.add(field, fmt.Sprintf("The %s field must be text without control and format characters, of at most 255 bytes.", field))
		}
		contacts = append(contacts, text)
	}
	return distinct(contacts)
}
