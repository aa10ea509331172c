package passport_test

import (
	"log"
	"net"
	"net/http"
)

// behindProxy gives each request the address of the proxy. Only the proxy may be
// able to connect to the socket.
func behindProxy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = "127.0.0.1:0" // Config.TrustedProxies has netip.MustParsePrefix("127.0.0.1/32")
		next.ServeHTTP(w, r)
	})
}

func ExampleConfig_unixSocket() {
	listener, err := net.Listen("unix", "/run/shop/shop.sock")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, behindProxy(mux)))
}
