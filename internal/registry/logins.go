package registry

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
)

// dockerHub is the key under which the Docker config file keeps Docker Hub's credentials.
const dockerHub = "https://index.docker.io/v1/"

// login is what a registry is told about us; the zero value is anonymous. A secret without a user is an identity token.
type login struct{ user, secret string }

// logins finds credentials where the Docker command line keeps them: its config file and its credential helpers.
type logins struct {
	file *configfile.ConfigFile
	warn func(string)

	mu    sync.Mutex
	known map[string]func() login
}

// readLogins reads the Docker config file: DOCKER_CONFIG's, else the one in the home directory; none is fine. The
// directory is found here, since docker/cli looks at the environment only once in a process.
func readLogins(warn func(string)) (*logins, error) {
	dir := os.Getenv("DOCKER_CONFIG")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return &logins{warn: warn}, nil // no home: anonymous
		}
		dir = filepath.Join(home, ".docker")
	}
	file, err := config.Load(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the registries' credentials: %w", err)
	}
	if !file.ContainsAuth() {
		file.CredentialsStore = credentials.DetectDefaultStore(file.CredentialsStore)
	}
	return &logins{file: file, warn: warn, known: map[string]func() login{}}, nil
}

// of gives the credentials for a host. Helpers are programs, so each host's is run once.
func (l *logins) of(host string) login {
	if l.file == nil {
		return login{}
	}
	l.mu.Lock()
	find, ok := l.known[host]
	if !ok {
		find = sync.OnceValue(func() login { return l.find(host) })
		l.known[host] = find
	}
	l.mu.Unlock()
	return find()
}

// find asks the config file and the helpers. A helper that fails is only warned about: most images are public, and a
// registry that wants to know us will say so.
func (l *logins) find(host string) login {
	key := host
	if host == "docker.io" || host == "registry-1.docker.io" {
		key = dockerHub
	}
	auth, err := l.file.GetAuthConfig(key)
	if err != nil {
		l.warn(fmt.Sprintf("the credential helper for %s failed, going on without credentials: %s", host, oneLine(err.Error())))
		return login{}
	}
	if auth.IdentityToken != "" {
		return login{secret: auth.IdentityToken}
	}
	return login{user: auth.Username, secret: auth.Password}
}

// describe says who we are to a host.
func (l login) describe() string {
	if l == (login{}) {
		return ""
	}
	return cmp.Or(l.user, "the token's owner")
}
