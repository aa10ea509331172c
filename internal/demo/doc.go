// Package demo is the tour of `passport serve --demo`: an account, two clients, an API
// that the server guards, and a third-party application that a user connects.
//
// The application, [App], is a real client. It knows only the issuer of the server, and
// uses the metadata, a redirect of the browser, and HTTP requests to the token endpoint
// and to the API.
package demo
