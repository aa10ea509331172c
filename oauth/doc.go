// Package oauth has the shared vocabulary of Passport: records, requests,
// errors and interfaces, named after the terms of RFC 6749.
//
// It has no HTTP handlers, no SQL and no configuration. Import it to write a
// [Grant], a [Store] or a [UserProvider]. To run a server, start with package
// passport.
//
// # Records
//
// A [Client] requests access, and a [User] consents. One consent begins a
// [Family]: the [Code], the sequence of [RefreshToken] values, and their
// [AccessToken] values. They are valid only while their family is.
//
// # Decisions
//
// A [Grant] reads and decides; it returns an [Authorization]. The server
// writes, with the methods of a [Store]. Each method is atomic.
package oauth
