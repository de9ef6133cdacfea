// Package curl is how stand-in programs fetch: as curl and the programs that they stand for, where Go has ways of its own.
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

// Client trusts the authorities of the file that an environment variable names, or those of the system if it names none. It asks
// the proxy of the environment as curl does: for loopback, too.
func Client(bundle string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = proxy
	file := os.Getenv(bundle)
	if bundle != "SSL_CERT_FILE" {
		os.Unsetenv("SSL_CERT_FILE") // it names the system's authorities to Go
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

// setting is a variable's value, spelt in either way.
func setting(name string) string { return cmp.Or(os.Getenv(strings.ToLower(name)), os.Getenv(name)) }
