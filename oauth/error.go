package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrorCode is the "error" value of an OAuth response. An ErrorCode is also an
// error, so that errors.Is(err, oauth.InvalidGrant) works.
type ErrorCode string

// Error codes of the token and authorization endpoints (RFC 6749 §4.1.2.1,
// §5.2) and of bearer token usage (RFC 6750 §3.1).
const (
	InvalidRequest           ErrorCode = "invalid_request"
	InvalidClient            ErrorCode = "invalid_client"
	InvalidGrant             ErrorCode = "invalid_grant"
	UnauthorizedClient       ErrorCode = "unauthorized_client"
	UnsupportedGrantType     ErrorCode = "unsupported_grant_type"
	InvalidScope             ErrorCode = "invalid_scope"
	InvalidTarget            ErrorCode = "invalid_target" // RFC 8707 §2
	UnsupportedResponseType  ErrorCode = "unsupported_response_type"
	RequestNotSupported      ErrorCode = "request_not_supported" // OpenID Connect Core §3.1.2.6
	RequestURINotSupported   ErrorCode = "request_uri_not_supported"
	RegistrationNotSupported ErrorCode = "registration_not_supported"
	LoginRequired            ErrorCode = "login_required"
	ConsentRequired          ErrorCode = "consent_required"
	AccessDenied             ErrorCode = "access_denied"
	ServerError              ErrorCode = "server_error"
	TemporarilyUnavailable   ErrorCode = "temporarily_unavailable"
	InvalidToken             ErrorCode = "invalid_token"
	InsufficientScope        ErrorCode = "insufficient_scope"
)

// InvalidClientMetadata is the error for the metadata of a client that can't be registered
// (RFC 7591 §3.2.2).
const InvalidClientMetadata ErrorCode = "invalid_client_metadata"

// Error codes of the token endpoint for a device that polls (RFC 8628 §3.5).
const (
	AuthorizationPending ErrorCode = "authorization_pending"
	SlowDown             ErrorCode = "slow_down"
	ExpiredToken         ErrorCode = "expired_token"
)

// Error returns the code.
func (c ErrorCode) Error() string { return string(c) }

// Errorf returns an [Error] with this code. The client receives the text as
// error_description, so it must contain nothing private. Errorf replaces the
// characters that RFC 6749 §5.2 forbids: quotes, backslashes, line ends and
// non-ASCII characters.
func (c ErrorCode) Errorf(format string, args ...any) *Error {
	return &Error{Code: c, Description: strings.Map(describable, fmt.Sprintf(format, args...))}
}

func describable(r rune) rune {
	switch {
	case r == '"':
		return '\''
	case r == '\\', r < ' ', r > '~':
		return '?'
	}
	return r
}

// Status returns the HTTP status of a response with this code.
func (c ErrorCode) Status() int {
	switch c {
	case InvalidClient, InvalidToken:
		return http.StatusUnauthorized
	case AccessDenied, InsufficientScope:
		return http.StatusForbidden
	case ServerError:
		return http.StatusInternalServerError
	case TemporarilyUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// Error is an error that the client receives, with the fields of RFC 6749 §5.2.
// To log more than the client receives, wrap an Error: the server logs the
// whole chain and sends only the Error.
//
// Any other error is logged and sent as server_error without details.
type Error struct {
	Code        ErrorCode `json:"error"`
	Description string    `json:"error_description,omitempty"`
	URI         string    `json:"error_uri,omitempty"`
	Scope       string    `json:"scope,omitempty"` // the scopes that insufficient_scope requires (RFC 6750 §3)
}

// Error returns the code and, if there is one, the description.
func (e *Error) Error() string {
	switch {
	case e == nil:
		return nilError
	case e.Description == "":
		return string(e.Code)
	}
	return string(e.Code) + ": " + e.Description
}

// nilError is the text of a nil *Error. Returning one is a mistake of a function,
// and must not end the request in a panic.
const nilError = "a nil *oauth.Error was returned as an error: return nil itself"

// Unwrap returns the code.
func (e *Error) Unwrap() error {
	if e == nil {
		return ServerError
	}
	return e.Code
}

// AsError returns the [Error] to send for err: the one in its chain, or one
// with the [ErrorCode] in its chain. Without these it has the code
// temporarily_unavailable for [ErrUnavailable] and server_error otherwise, and
// no description.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		return e
	}
	if code, ok := errors.AsType[ErrorCode](err); ok {
		return &Error{Code: code}
	}
	if errors.Is(err, ErrUnavailable) {
		return &Error{Code: TemporarilyUnavailable}
	}
	return &Error{Code: ServerError}
}

// RetryAfter is the number of seconds that a client should wait after
// temporarily_unavailable. It is shorter than the grace period of refresh
// tokens, so that a client can retry a refresh whose response was lost.
const RetryAfter = 3
