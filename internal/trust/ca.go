// Package trust is the one place that reads what the client believes and what it is known by: certificate authorities, the credentials of
// Docker's config directory, and downloads that are believed for their checksum.
package trust

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
)

// bundles are where systems keep their certificate authorities, in the order in which crypto/x509 looks.
var bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Alpine
	"/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL
	"/etc/ssl/ca-bundle.pem",             // openSUSE
	"/etc/ssl/cert.pem",                  // Alpine, macOS
}

// HostBundle returns the file of the host's certificate authorities, or "" if there is none.
func HostBundle() string {
	for _, file := range append([]string{os.Getenv("SSL_CERT_FILE")}, bundles...) {
		if fi, err := os.Stat(file); err == nil && fi.Mode().IsRegular() {
			return file
		}
	}
	return ""
}

// ReadCA returns the certificates of a file, in PEM form, or an error if it holds none, or is no regular file of at most CALimit bytes.
// Without a file it returns nil.
func ReadCA(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := ReadFile(file, CALimit)
	if err != nil {
		return nil, err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", file)
	}
	return pem, nil
}

// Bundle returns a file that holds the host's certificate authorities and those of caFile, or "" if there are none. A file that has to be
// made is kept in the user's cache under its digest.
func Bundle(caFile string) (string, error) {
	host := HostBundle()
	extra, err := ReadCA(caFile)
	if err != nil {
		return "", fmt.Errorf("--ca-file: %w", err)
	}
	if extra == nil {
		return host, nil
	}
	all := extra
	if host != "" {
		if all, err = ReadFile(host, CALimit); err != nil {
			return "", err
		}
		all = bytes.Join([][]byte{all, extra}, []byte("\n"))
	}
	dir, err := CacheDir("ca")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, sum(all)+".pem")
	return file, keep(file, all)
}

// Pool returns the system's certificate authorities and those of caFile.
func Pool(caFile string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the system's certificate authorities: %w", err)
	}
	extra, err := ReadCA(caFile)
	if err != nil {
		return nil, fmt.Errorf("--ca-file: %w", err)
	}
	pool.AppendCertsFromPEM(extra)
	return pool, nil
}
