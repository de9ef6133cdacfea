// Package curl provides an HTTP client that treats authorities and proxies as curl does, unlike Go's. The stand-in programs use
// it, as the real programs behave like curl.
package curl

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Client returns a client that trusts the authorities in the file that the environment variable bundle names, or the system's if
// it names none. Like curl, the client uses the environment's proxy for loopback addresses, too.
func Client(bundle string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = proxy
	file := os.Getenv(bundle)
	if bundle != "SSL_CERT_FILE" {
		os.Unsetenv("SSL_CERT_FILE") // Go would use it, but the real program does not
	}
	if file == "" {
		return &http.Client{Transport: transport}, nil
	}
	trusted, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(trusted)
	return &http.Client{Transport: transport}, nil
}

func proxy(r *http.Request) (*url.URL, error) {
	if slices.Contains(strings.Split(setting("NO_PROXY"), ","), r.URL.Hostname()) {
		return nil, nil
	}
	address := cmp.Or(setting(strings.ToUpper(r.URL.Scheme)+"_PROXY"), setting("ALL_PROXY"))
	if address == "" {
		return nil, nil
	}
	return url.Parse(address)
}

// setting returns the value of a variable, in lower or upper case.
func setting(name string) string { return cmp.Or(os.Getenv(strings.ToLower(name)), os.Getenv(name)) }
