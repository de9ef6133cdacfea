// Package trust reads what the client trusts and how it authenticates: certificate authorities, the credentials in Docker's
// config directory, and downloads that are verified by their checksum. No other package reads these files.
package trust

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
)

// bundles are the files in which systems keep their certificate authorities, in the order of crypto/x509.
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

// ReadCA returns the content of a file of certificates in PEM form. If file is "", it returns nil. It is an error if the file
// has no certificate, is not a regular file, or is larger than CALimit.
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

// Bundle returns a file with the host's certificate authorities and those of caFile, or "" if there are none. If it must
// combine two files, it writes the result to the user's cache, named by its checksum. Its errors are those of [ReadCA] for caFile, which
// name --ca-file, and those of reading the host's file and writing the cache.
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
	return file, writeFile(file, all)
}

// Pool returns the system's certificate authorities and those of caFile. Its errors are those of [ReadCA] for caFile, which name
// --ca-file, and an error if the system's authorities cannot be read.
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
