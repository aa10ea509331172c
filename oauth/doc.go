// Package oauth is Passport's vocabulary: the records, requests, errors and
// interfaces that the other packages share, named after the terms of RFC 6749.
//
// It holds no HTTP handlers, no SQL and no configuration. Import it to write a
// [Grant], a [Store] or a [UserProvider]; to run a server, start at package
// passport.
//
// # Records
//
// A [Client] asks, a [User] consents. What descends from one consent is a
// [Family]: the [Code], the [RefreshToken] values that follow one another, their
// [AccessToken] values. Each of them lives only while its family does.
//
// # Decisions
//
// A [Grant] reads and decides; it returns an [Authorization]. The server writes,
// through the verbs of a [Store], each of which happens completely or not at all.
package oauth
