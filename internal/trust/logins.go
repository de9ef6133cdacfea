package trust

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
	"github.com/docker/cli/cli/config/types"
)

// dockerHub is the key under which Docker keeps Docker Hub's credentials, and what it asks credential helpers for.
const dockerHub = "https://index.docker.io/v1/"

// Logins are the credentials that Docker's config file and its credential helpers hold. They are safe for concurrent use.
type Logins struct {
	name     string // of the file
	file     map[string]types.AuthConfig
	env      map[string]types.AuthConfig // DOCKER_AUTH_CONFIG's, which go before
	helpers  map[string]string           // by host
	store    string                      // the helper of all other hosts
	warn     func(string)
	patience time.Duration // with a helper

	mu       sync.Mutex
	answers  map[string]*answer // of helpers
	expected map[string]string  // repository by host, see Expect
}

// ReadLogins reads Docker's config file, which need not be there, and runs nothing. warn, which may be nil, is told of helpers that fail.
func ReadLogins(warn func(string)) (*Logins, error) {
	l := &Logins{warn: warn, patience: helperPatience, answers: map[string]*answer{}, expected: map[string]string{}}
	if l.warn == nil {
		l.warn = func(string) {}
	}
	file, err := DockerConfig()
	if errors.Is(err, ErrNoHome) {
		return l, nil // anonymous
	}
	if err != nil {
		return nil, fmt.Errorf("reading the registries' credentials: %w", err)
	}
	if !file.ContainsAuth() {
		file.CredentialsStore = credentials.DetectDefaultStore(file.CredentialsStore)
	}
	l.name, l.store = file.Filename, file.CredentialsStore
	l.file = byPlace(file.AuthConfigs)
	l.helpers = helpersByHost(file.CredentialHelpers)
	env := configfile.New(configfile.DockerEnvConfigKey)
	if err := env.LoadFromReader(strings.NewReader(os.Getenv(configfile.DockerEnvConfigKey))); err != nil {
		return nil, fmt.Errorf("reading the registries' credentials of %s: %w", configfile.DockerEnvConfigKey, err)
	}
	l.env = byPlace(env.AuthConfigs)
	return l, nil
}

// For returns who we are to a repository of a host: the login of the longest path that it lies below, HOST/ORG/APP before HOST/ORG before
// HOST, as containers-auth.json(5) has it. For a host, credential helpers go before the file, as with docker. The zero value is anonymous.
//
// Whoever does not know the repository gives "": then it is that of Expect, else the host's, else the first path's by name.
//
// The error is the context's, or a *HelperError, of which the user has been warned: most images are public, so the caller may go on
// without credentials.
func (l *Logins) For(ctx context.Context, host, repository string) (types.AuthConfig, error) {
	host = hostOf(host)
	known := repository != ""
	if !known {
		repository = l.expects(host)
	}
	for key := repository; key != ""; key = parent(key) {
		for _, auths := range []map[string]types.AuthConfig{l.env, l.file} {
			if auth := auths[host+"/"+key]; !isEmpty(auth) {
				return auth, nil
			}
		}
	}
	auth, err := l.ofHost(ctx, host)
	if err != nil || known || !isEmpty(auth) {
		return auth, err
	}
	for _, auths := range []map[string]types.AuthConfig{l.env, l.file} {
		for _, key := range slices.Sorted(maps.Keys(auths)) {
			if strings.HasPrefix(key, host+"/") && !isEmpty(auths[key]) {
				return auths[key], nil
			}
		}
	}
	return auth, nil
}

// Expect tells which repository of its host is meant by those who name the host alone: BuildKit does where a registry wants a password
// with each request.
func (l *Logins) Expect(host, repository string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expected[hostOf(host)] = repository
}

func (l *Logins) expects(host string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.expected[host]
}

// ofHost is the login that is not limited to a path.
func (l *Logins) ofHost(ctx context.Context, host string) (types.AuthConfig, error) {
	if auth := l.env[host]; !isEmpty(auth) {
		return auth, nil
	}
	auth := l.file[host]
	helper, ok := l.helpers[host]
	if !ok {
		helper = l.store
	}
	if helper == "" {
		return auth, nil
	}
	server := host
	if host == "docker.io" {
		server = dockerHub
	}
	held, err := l.ask(ctx, helper, server)
	// As with docker, the file adds what no helper keeps.
	auth.Username, auth.Password, auth.IdentityToken = held.Username, held.Password, held.IdentityToken
	return auth, err
}

// ScopeRepository returns the repository that token scopes are about, "repository:NAME:ACTIONS": that which is pushed to, else the first.
// One that a layer is mounted from comes beside it.
func ScopeRepository(scopes ...string) string {
	first := ""
	for _, scope := range scopes {
		rest, ok := strings.CutPrefix(scope, "repository:")
		end := strings.LastIndexByte(rest, ':')
		if !ok || end < 0 {
			continue
		}
		if strings.Contains(rest[end:], "push") {
			return rest[:end]
		}
		if first == "" {
			first = rest[:end]
		}
	}
	return first
}

// byPlace orders credentials by host and path. Several keys may mean one place, https://HOST/v1/ and HOST: the plain one counts, then the
// first by name. The address of something else below a host counts for the host, too, if nothing better does.
func byPlace(auths map[string]types.AuthConfig) map[string]types.AuthConfig {
	places := map[string]types.AuthConfig{}
	add := func(place, key string) {
		if there, ok := places[place]; !ok || isEmpty(there) || key == place && !isEmpty(auths[key]) {
			places[place] = auths[key]
		}
	}
	keys := slices.Sorted(maps.Keys(auths))
	for _, key := range keys {
		add(placeOf(key), key)
	}
	for _, key := range keys {
		if host, _, below := strings.Cut(placeOf(key), "/"); below && strings.Contains(key, "://") {
			add(host, key)
		}
	}
	return places
}

func helpersByHost(helpers map[string]string) map[string]string {
	hosts := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(helpers)) {
		host := placeOf(key)
		if _, ok := hosts[host]; !ok || key == host || key == dockerHub {
			hosts[host] = helpers[key]
		}
	}
	return hosts
}

// placeOf is a key of the config file as HOST[/PATH]. Older keys are addresses of the API: https://HOST/v1/.
func placeOf(key string) string {
	place, scheme := key, false
	for _, prefix := range []string{"https://", "http://"} {
		if rest, ok := strings.CutPrefix(place, prefix); ok {
			place, scheme = rest, true
		}
	}
	slash := strings.HasSuffix(place, "/")
	host, path, _ := strings.Cut(strings.TrimRight(place, "/"), "/")
	if (scheme || slash) && (path == "v1" || path == "v2") {
		path = ""
	}
	if path == "" {
		return hostOf(host)
	}
	return hostOf(host) + "/" + path
}

// hostOf is a host as references name it.
func hostOf(host string) string {
	switch host {
	case "index.docker.io", "registry-1.docker.io", dockerHub:
		return "docker.io"
	}
	return host
}

// parent is the path above a path, "" at the end.
func parent(path string) string {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)]
}

// isEmpty reports whether an entry holds no credentials. Docker leaves such entries for what a helper keeps.
func isEmpty(auth types.AuthConfig) bool {
	return auth.Username == "" && auth.Password == "" && auth.IdentityToken == "" && auth.RegistryToken == ""
}
