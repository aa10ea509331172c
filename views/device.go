package views

import (
	"fmt"
	"log/slog"
	"time"
)

// DevicePage is the data of device.html, on which the user types the code that a device
// shows (RFC 8628 §3.3). The page names no app, because it does not know which one asks.
// It must warn users to go on only if they started this on their own device. It needs a
// form for the code:
//
//	<form method="post" action="{{.Action}}">
//	  <input name="user_code" value="{{.UserCode}}">
//	  <button>Continue</button>
//	</form>
type DevicePage struct {
	Page

	UserCode string // as the user typed it, or as the link had it; may be empty
	Fault    string // a sentence about what is wrong with it; may be empty
	Action   string // the form's action
}

// Format implements [fmt.Formatter]. It prints no secret: only the fault.
func (p DevicePage) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "views.DevicePage(%s)", p.Fault)
}

// LogValue implements [slog.LogValuer]: only the fault.
func (p DevicePage) LogValue() slog.Value { return slog.StringValue(p.Fault) }

// ConsentDevice is the device that asks for access in a device flow. Only the user knows
// whether it is theirs, so the consent page shows all of this before the buttons.
type ConsentDevice struct {
	UserCode string    // as the device shows it
	Label    string    // what the device calls itself; may be empty
	Agent    string    // the User-Agent of the request; may be empty
	Address  string    // the IP address that the request came from; may be empty
	At       time.Time // when it came
}

// Ago returns how long ago the request came, in words.
func (r ConsentDevice) Ago() string {
	switch minutes := int(time.Since(r.At) / time.Minute); {
	case minutes < 1:
		return "less than a minute ago"
	case minutes == 1:
		return "1 minute ago"
	default:
		return fmt.Sprintf("%d minutes ago", minutes)
	}
}
