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

// dockerHub is Docker's key for the credentials of Docker Hub, in its config file and for credential helpers.
const dockerHub = "https://index.docker.io/v1/"

// Logins are the credentials in Docker's config file and its credential helpers. They are safe for concurrent use.
type Logins struct {
	name          string // of the file
	file          map[string]types.AuthConfig
	env           map[string]types.AuthConfig // of DOCKER_AUTH_CONFIG, which precede the file's
	helpers       map[string]string           // by host
	store         string                      // the helper of all other hosts
	warn          func(string)
	helperTimeout time.Duration

	mu       sync.Mutex
	results  map[string]*helperResult
	expected map[string]string // repository by host, see Expect
}

// ReadLogins reads Docker's config file; a missing file counts as an empty one. It does not run credential helpers. warn, which
// may be nil, receives the errors of helpers that fail later.
func ReadLogins(warn func(string)) (*Logins, error) {
	l := &Logins{warn: warn, helperTimeout: defaultHelperTimeout, results: map[string]*helperResult{}, expected: map[string]string{}}
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
	l.file = byScope(file.AuthConfigs)
	l.helpers = helpersByHost(file.CredentialHelpers)
	env := configfile.New(configfile.DockerEnvConfigKey)
	if err := env.LoadFromReader(strings.NewReader(os.Getenv(configfile.DockerEnvConfigKey))); err != nil {
		return nil, fmt.Errorf("reading the registries' credentials of %s: %w", configfile.DockerEnvConfigKey, err)
	}
	l.env = byScope(env.AuthConfigs)
	return l, nil
}

// For returns the credentials for a repository of a host; the zero value is anonymous. The longest matching key wins:
// HOST/ORG/APP, then HOST/ORG, then HOST, as in containers-auth.json(5). For HOST, credential helpers precede the file, as in
// docker.
//
// A caller that does not know the repository passes "". The credentials are then those of the repository that Expect named,
// else those of HOST, else those of the first path in alphabetical order.
//
// The error is the context's, or a *HelperError. The latter has been reported to warn, and callers may continue without
// credentials: most images are public.
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

// Expect sets the repository of a host for calls of For without one. BuildKit makes such calls if a registry uses basic
// authentication.
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

// ofHost returns the credentials for a host without a path.
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
	stored, err := l.ask(ctx, helper, server)
	// As in docker, the fields that helpers do not store come from the file.
	auth.Username, auth.Password, auth.IdentityToken = stored.Username, stored.Password, stored.IdentityToken
	return auth, err
}

// ScopeRepository returns the repository of token scopes, which have the form "repository:NAME:ACTIONS": the one with the action
// push, else the first. There are several if a layer is mounted from another repository.
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

// byScope maps HOST[/PATH] to credentials. Several keys of the config file may name one scope, such as https://HOST/v1/ and HOST.
// The plain name wins, then the first in alphabetical order. An address with another path counts for its host, too, if the host
// has no key of its own.
func byScope(auths map[string]types.AuthConfig) map[string]types.AuthConfig {
	scopes := map[string]types.AuthConfig{}
	add := func(scope, key string) {
		if old, ok := scopes[scope]; !ok || isEmpty(old) || key == scope && !isEmpty(auths[key]) {
			scopes[scope] = auths[key]
		}
	}
	keys := slices.Sorted(maps.Keys(auths))
	for _, key := range keys {
		add(scopeOf(key), key)
	}
	for _, key := range keys {
		if host, _, below := strings.Cut(scopeOf(key), "/"); below && strings.Contains(key, "://") {
			add(host, key)
		}
	}
	return scopes
}

func helpersByHost(helpers map[string]string) map[string]string {
	hosts := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(helpers)) {
		host := scopeOf(key)
		if _, ok := hosts[host]; !ok || key == host || key == dockerHub {
			hosts[host] = helpers[key]
		}
	}
	return hosts
}

// scopeOf returns a key of the config file as HOST[/PATH]. Older keys are addresses of the API: https://HOST/v1/.
func scopeOf(key string) string {
	name, scheme := key, false
	for _, prefix := range []string{"https://", "http://"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			name, scheme = rest, true
		}
	}
	slash := strings.HasSuffix(name, "/")
	host, path, _ := strings.Cut(strings.TrimRight(name, "/"), "/")
	if (scheme || slash) && (path == "v1" || path == "v2") {
		path = ""
	}
	if path == "" {
		return hostOf(host)
	}
	return hostOf(host) + "/" + path
}

// hostOf returns a host as references name it.
func hostOf(host string) string {
	switch host {
	case "index.docker.io", "registry-1.docker.io", dockerHub:
		return "docker.io"
	}
	return host
}

// parent returns a path without its last component, or "" if it has only one.
func parent(path string) string {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)]
}

// isEmpty reports whether an entry has no credentials. Docker writes such entries for registries whose credentials a helper
// stores.
func isEmpty(auth types.AuthConfig) bool {
	return auth.Username == "" && auth.Password == "" && auth.IdentityToken == "" && auth.RegistryToken == ""
}
