package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/util/resolver/config"
	"github.com/pelletier/go-toml/v2"
)

// mirrored returns a trust that changes buildkitd.toml.
func mirrored(host string) Trust {
	return Trust{Registries: map[string]config.RegistryConfig{"docker.io": {Mirrors: []string{host}}}}
}

// configured reads the configuration of the private buildkitd.
func (s *site) configured(t *testing.T) map[string]config.RegistryConfig {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.home.state, "buildkitd.toml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Registry map[string]config.RegistryConfig `toml:"registry"`
	}
	if err := toml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Registry
}

func TestBuilderWithAnotherTrust(t *testing.T) {
	ctx, s := newSite(t)
	s.opt.Buildkitd = needBuildkitd(t)
	// Each start logs a line.
	starts := filepath.Join(t.TempDir(), "starts")
	script := filepath.Join(t.TempDir(), "buildkitd")
	text := "#!/bin/sh\necho started >> " + starts + "\nexec " + s.opt.Buildkitd + " \"$@\"\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	s.opt.Buildkitd = script
	idle := s.acquire(ctx, t) // holds a lease, but does not use the builder
	steps := []struct {
		name    string
		trusts  []Trust // of clients, one after the other; all stay until the last has asked
		busy    bool    // of the last
		starts  int     // up to here
		mirrors string
	}{
		{"the first decides", []Trust{mirrored("one.example.com")}, false, 1, "one.example.com"},
		{"the same trust shares", []Trust{mirrored("one.example.com"), mirrored("one.example.com")}, false, 1, "one.example.com"},
		{"another one must wait", []Trust{mirrored("one.example.com"), mirrored("two.example.com")}, true, 1, "one.example.com"},
		{"none must wait, too", []Trust{mirrored("one.example.com"), {}}, true, 1, "one.example.com"},
		{"nobody uses it any more", []Trust{mirrored("two.example.com")}, false, 2, "two.example.com"},
		{"back to none", []Trust{{}}, false, 3, ""},
		{"a client may change its own mind", []Trust{mirrored("one.example.com")}, false, 4, "one.example.com"},
	}
	for _, step := range steps {
		var err error
		var leases []*Lease
		for _, trust := range step.trusts {
			l := s.acquire(ctx, t)
			leases = append(leases, l)
			_, err = l.Builder(ctx, trust)
		}
		if errors.Is(err, ErrBusy) != step.busy || err != nil && !step.busy {
			t.Errorf("%s: %v", step.name, err)
		}
		if step.busy && !strings.Contains(err.Error(), "--ca-file") {
			t.Errorf("%s: nobody says what to do: %v", step.name, err)
		}
		data, _ := os.ReadFile(starts)
		if got := strings.Count(string(data), "started"); got != step.starts {
			t.Errorf("%s: %d starts, want %d", step.name, got, step.starts)
		}
		if got := strings.Join(s.configured(t)["docker.io"].Mirrors, " "); got != step.mirrors {
			t.Errorf("%s: mirrors %q, want %q", step.name, got, step.mirrors)
		}
		for _, l := range leases {
			_ = l.Close()
		}
	}
	_ = idle.Close()
	s.waitStopped(ctx, t)
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if told := strings.Join(s.log.all, "\n"); strings.Contains(told, "died") {
		t.Errorf("a restart is told as a death: %s", told)
	}
}

func TestPrivateRegistrySettingsAreFixed(t *testing.T) {
	no := false
	trust := Trust{Registries: map[string]config.RegistryConfig{"127.0.0.1:1": {PlainHTTP: &no, Mirrors: []string{"evil.example"}}}}
	text, err := trust.toml("127.0.0.1:1")
	if err != nil || !strings.Contains(text, "http = true") || strings.Contains(text, "evil") {
		t.Errorf("got %s, %v", text, err)
	}
	if len(trust.Registries["127.0.0.1:1"].Mirrors) != 1 {
		t.Error("the client's settings were changed")
	}
}
