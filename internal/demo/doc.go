// Package demo is the tour of `passport serve --demo`: what is made for it, the
// API that it guards, and a third-party application that a newcomer connects.
//
// The application, [App], is a real client. It knows the server by its issuer
// alone and uses what every client uses: the metadata, a redirect of the
// browser, and HTTP requests to the token endpoint and to the API.
package demo
