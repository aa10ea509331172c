package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrorCode is an "error" value an OAuth response may carry.
// A code is itself an error, so errors.Is(err, oauth.InvalidGrant) works.
type ErrorCode string

// Error codes of the token and authorization endpoints (RFC 6749 §4.1.2.1, §5.2)
// and of bearer token use (RFC 6750 §3.1).
const (
	InvalidRequest          ErrorCode = "invalid_request"
	InvalidClient           ErrorCode = "invalid_client"
	InvalidGrant            ErrorCode = "invalid_grant"
	UnauthorizedClient      ErrorCode = "unauthorized_client"
	UnsupportedGrantType    ErrorCode = "unsupported_grant_type"
	InvalidScope            ErrorCode = "invalid_scope"
	InvalidTarget           ErrorCode = "invalid_target" // RFC 8707 §2
	UnsupportedResponseType ErrorCode = "unsupported_response_type"
	RequestNotSupported     ErrorCode = "request_not_supported" // OpenID Connect Core §3.1.2.6
	RequestURINotSupported  ErrorCode = "request_uri_not_supported"
	LoginRequired           ErrorCode = "login_required"
	ConsentRequired         ErrorCode = "consent_required"
	AccessDenied            ErrorCode = "access_denied"
	ServerError             ErrorCode = "server_error"
	TemporarilyUnavailable  ErrorCode = "temporarily_unavailable"
	InvalidToken            ErrorCode = "invalid_token"
	InsufficientScope       ErrorCode = "insufficient_scope"
)

func (c ErrorCode) Error() string { return string(c) }

// Errorf returns an [Error] with this code. The text is sent to the client as
// error_description, so it holds nothing private. Characters that do not belong
// there are replaced: quotes, backslashes, line ends and whatever is not ASCII
// (RFC 6749 §5.2).
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

// Status is the HTTP status an endpoint answers with for this code.
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

// Error is a failure the client is told about, in the fields of RFC 6749 §5.2.
// To tell the log more than the client, wrap it: what stands around an Error in
// a chain is logged, the Error alone is answered.
//
// Every other error is reported as server_error and logged, never shown.
type Error struct {
	Code        ErrorCode `json:"error"`
	Description string    `json:"error_description,omitempty"`
	URI         string    `json:"error_uri,omitempty"`
	Scope       string    `json:"scope,omitempty"` // what insufficient_scope would need (RFC 6750 §3)
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Description }
func (e *Error) Unwrap() error { return e.Code }

// AsError returns the [Error] in err's chain, or one with its bare [ErrorCode],
// temporarily_unavailable for [ErrUnavailable], or a bare server_error for
// whatever the client is not to be told.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
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

// RetryAfter is how many seconds a caller is asked to wait after
// temporarily_unavailable. It is shorter than the grace of a refresh token, so
// that a refresh that was stored without an answer can be asked for again.
const RetryAfter = 3
