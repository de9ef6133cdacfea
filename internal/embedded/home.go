package embedded

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// longestRun is the longest path of the directory with the sockets, in bytes. A socket's path may have 108, and the longest name
// in the directory is rootlesskit/api.sock.
const longestRun = 80

// home has the directories and the port of one user's private pair.
type home struct {
	state string // locks, logs, the builder's configuration
	data  string // the builder's root, the registry's blobs
	run   string // sockets; in state, unless that path is too long
	port  port
}

// supportedHome is newHome on systems that can run the pair, and errNotLinux on others.
func supportedHome(opt Options) (*home, error) {
	if !Supported() {
		return nil, errNotLinux
	}
	return newHome(opt)
}

func newHome(opt Options) (*home, error) {
	h := &home{}
	if err := h.setDirs(opt.dir()); err != nil {
		return nil, err
	}
	h.run = filepath.Join(h.state, "run")
	if len(h.run) > longestRun {
		h.run = shortRun(h.state)
	}
	var err error
	h.port, err = h.findPort(opt)
	return h, err
}

// dir returns the directory for state and data that the user names, or "".
func (o Options) dir() string { return cmp.Or(o.Dir, os.Getenv(HomeEnv)) }

func (h *home) setDirs(dir string) (err error) {
	if dir != "" {
		dir, err = filepath.Abs(dir)
		h.state, h.data = filepath.Join(dir, "state"), filepath.Join(dir, "data")
		return err
	}
	if h.state, err = userDir("XDG_STATE_HOME", ".local/state"); err != nil {
		return err
	}
	h.data, err = userDir("XDG_DATA_HOME", ".local/share")
	return err
}

// StateDir returns the user's directory for rtbuild's state.
func StateDir() (string, error) {
	h := &home{}
	err := h.setDirs(Options{}.dir())
	return h.state, err
}

// userDir returns rtbuild's directory by the XDG base directory specification, which ignores relative paths.
func userDir(env, below string) (string, error) {
	if dir := os.Getenv(env); filepath.IsAbs(dir) {
		return filepath.Join(dir, "rtbuild"), nil
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's directories: %w (%w): set HOME, %s or %s", errNoHome, err, env, HomeEnv)
	}
	return filepath.Join(user, below, "rtbuild"), nil
}

// shortRun returns a directory for the sockets of a home with a long path.
func shortRun(state string) string {
	sum := sha256.Sum256([]byte(state))
	name := hex.EncodeToString(sum[:6])
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) && len(dir) < longestRun-len("/rtbuild/")-len(name) {
		return filepath.Join(dir, "rtbuild", name)
	}
	return filepath.Join("/tmp", fmt.Sprintf("rtbuild-%d", os.Getuid()), name)
}

// make creates the directories, for the user alone.
func (h *home) make() error {
	for _, dir := range []string{h.state, h.data, filepath.Dir(h.run), h.run} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("creating the directories of the private builder: %w", err)
		}
	}
	return h.check()
}

// check refuses directories that other users can write to. In the directories of the sockets and locks, another user could pose as
// the daemon: one may be in /tmp, and a named one may belong to somebody else. In the data, another user could change images; it may
// not exist yet.
func (h *home) check() error {
	for _, dir := range []string{h.state, filepath.Dir(h.run), h.run} {
		if err := checkPrivate(dir); err != nil {
			return err
		}
	}
	for _, dir := range []string{h.data, h.registryRoot(), h.builderRoot()} {
		if err := checkPrivate(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func checkPrivate(dir string) error {
	fi, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !ours(fi) || !fi.IsDir() || fi.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a directory that only this user can write to: remove it, or set %s to another, short path", dir, HomeEnv)
	}
	return nil
}

// registry returns the registry's host and port.
func (h *home) registry() string { return fmt.Sprintf("127.0.0.1:%d", h.port.number) }

func (h *home) socket() string       { return filepath.Join(h.run, "daemon.sock") }
func (h *home) startLock() string    { return filepath.Join(h.state, "start.lock") }
func (h *home) daemonLock() string   { return filepath.Join(h.state, "daemon.lock") }
func (h *home) daemonLog() string    { return filepath.Join(h.state, "daemon.log") }
func (h *home) tokenFile() string    { return filepath.Join(h.state, "registry.token") }
func (h *home) portFile() string     { return filepath.Join(h.state, "registry.port") }
func (h *home) builderLog() string   { return filepath.Join(h.state, "buildkitd.log") }
func (h *home) registryLog() string  { return filepath.Join(h.state, "registry.log") }
func (h *home) builderRoot() string  { return filepath.Join(h.data, "buildkit") }
func (h *home) registryRoot() string { return filepath.Join(h.data, "registry") }
