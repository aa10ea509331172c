package authserver

import "net/http"

// Client returns a client for [Config]: a copy of c that does not follow redirects and
// has no cookies, or a new one if c is nil.
func Client(c *http.Client) *http.Client {
	own := new(http.Client)
	switch transport, ok := http.DefaultTransport.(*http.Transport); {
	case c != nil:
		*own = *c
	case ok:
		const connections = 64
		transport = transport.Clone()
		transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = connections, connections
		transport.MaxResponseHeaderBytes = 64 << 10
		own.Transport = transport
	}
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return own
}
