package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// longDir is a path that is too long for a socket.
var longDir = "/" + strings.Repeat("long/", 30)

// homeTests are environments and options, and the directories that follow from them.
var homeTests = []struct {
	name             string
	env              map[string]string
	opt              Options
	state, data, run string // run is a prefix
	port             int
	err              string
}{
	{
		name:  "the user's directories",
		env:   map[string]string{"HOME": "/home/dev", PortEnv: "6000"},
		state: "/home/dev/.local/state/rtbuild", data: "/home/dev/.local/share/rtbuild", run: "/home/dev/.local/state/rtbuild/run", port: 6000,
	},
	{
		name:  "those that XDG names",
		env:   map[string]string{"XDG_STATE_HOME": "/s", "XDG_DATA_HOME": "/d"},
		state: "/s/rtbuild", data: "/d/rtbuild", run: "/s/rtbuild/run", port: defaultPort(os.Getuid(), 0),
	},
	{
		name:  "relative ones are ignored",
		env:   map[string]string{"HOME": "/home/dev", "XDG_STATE_HOME": "s", "XDG_DATA_HOME": "d"},
		state: "/home/dev/.local/state/rtbuild", data: "/home/dev/.local/share/rtbuild", run: "/home/dev", port: defaultPort(os.Getuid(), 0),
	},
	{
		name:  "one directory for all",
		env:   map[string]string{HomeEnv: "/r", "XDG_STATE_HOME": "/s"},
		state: "/r/state", data: "/r/data", run: "/r/state/run", port: defaultPort(os.Getuid(), 0),
	},
	{
		name:  "options come first",
		env:   map[string]string{HomeEnv: "/r", PortEnv: "6000"},
		opt:   Options{Dir: "/o", Port: 7000},
		state: "/o/state", data: "/o/data", run: "/o/state/run", port: 7000,
	},
	{
		name:  "sockets of a long path go to the runtime directory",
		env:   map[string]string{"XDG_RUNTIME_DIR": "/run/user/1"},
		opt:   Options{Dir: longDir},
		state: longDir + "state", data: longDir + "data", run: "/run/user/1/rtbuild/", port: defaultPort(os.Getuid(), 0),
	},
	{
		name:  "or to /tmp",
		opt:   Options{Dir: longDir},
		state: longDir + "state", data: longDir + "data", run: "/tmp/rtbuild-", port: defaultPort(os.Getuid(), 0),
	},
	{name: "no port", env: map[string]string{HomeEnv: "/r", PortEnv: "http"}, err: PortEnv},
	{name: "too high a port", env: map[string]string{HomeEnv: "/r", PortEnv: "65536"}, err: PortEnv},
	{name: "no directories", err: HomeEnv},
}

func TestHome(t *testing.T) {
	for _, test := range homeTests {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"HOME", HomeEnv, PortEnv, "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"} {
				t.Setenv(name, test.env[name])
			}
			h, err := newHome(test.opt)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if h.state != test.state || h.data != test.data || !strings.HasPrefix(h.run, test.run) || h.port.number != test.port {
				t.Errorf("got %+v", h)
			}
			if len(h.run) > longestRun {
				t.Errorf("%s is too long for sockets", h.run)
			}
		})
	}
}

func TestWritableStateIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := checkPrivate(dir); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := checkPrivate(dir); err == nil {
		t.Error("no error")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if err := checkPrivate(link); err == nil {
		t.Error("no error for a link")
	}
}

// TestWritableDataIsRefused: who can write to the registry's blobs or the builder's root can change images.
func TestWritableDataIsRefused(t *testing.T) {
	for name, dir := range map[string]func(h *home) string{
		"state": func(h *home) string { return h.state }, "data": func(h *home) string { return h.data },
		"registry": (*home).registryRoot, "builder": (*home).builderRoot, "sockets": func(h *home) string { return h.run },
	} {
		t.Run(name, func(t *testing.T) {
			h, err := newHome(Options{Dir: t.TempDir(), Port: 1})
			if err != nil {
				t.Fatal(err)
			}
			if err := h.make(); err != nil {
				t.Fatal(err)
			}
			made := dir(h)
			if err := os.MkdirAll(made, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := h.check(); err != nil {
				t.Errorf("one of the user's own: %v", err)
			}
			if err := os.Chmod(made, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := h.make(); err == nil || !strings.Contains(err.Error(), made+" is not a directory that only this user can write to") {
				t.Errorf("one that all may write to: %v", err)
			}
			if err := os.Chmod(made, 0o700); err != nil {
				t.Fatal(err)
			}
			if os.Geteuid() != 0 {
				return // only root may change the owner of a directory
			}
			if err := os.Chown(made, 65534, 65534); err != nil {
				t.Fatal(err)
			}
			if err := h.make(); err == nil || !strings.Contains(err.Error(), made+" is not a directory that only this user can write to") {
				t.Errorf("another user's: %v", err)
			}
		})
	}
}
