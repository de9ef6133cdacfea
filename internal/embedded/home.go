package embedded

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// longestRun is how long the path of the directory with the sockets may be: a socket's path has 108 bytes, and the
// longest name below the directory is rootlesskit/api.sock.
const longestRun = 80

// firstPort is root's; other users' follow by their id. The range ends below the ports that kernels give to outgoing
// connections.
const (
	firstPort = 5790
	portRange = 20000
)

// home is where one user's pair lives.
type home struct {
	state string // locks, logs, the builder's configuration
	data  string // the builder's root, the registry's blobs
	run   string // sockets: below state, unless its path is too long for them
	port  int
}

func newHome(opt Options) (*home, error) {
	h := &home{}
	var err error
	if h.port, err = opt.port(); err != nil {
		return nil, err
	}
	if err := h.place(opt.dir()); err != nil {
		return nil, err
	}
	h.run = filepath.Join(h.state, "run")
	if len(h.run) > longestRun {
		h.run = shortRun(h.state)
	}
	return h, nil
}

// dir is the one directory for everything, or "".
func (o Options) dir() string { return cmp.Or(o.Dir, os.Getenv(HomeEnv)) }

func (h *home) place(dir string) (err error) {
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

// StateDir is the user's directory for what rtbuild keeps from one run to the next.
func StateDir() (string, error) {
	h := &home{}
	err := h.place(Options{}.dir())
	return h.state, err
}

// userDir is rtbuild's directory by the XDG base directory specification, which ignores relative paths.
func userDir(env, below string) (string, error) {
	if dir := os.Getenv(env); filepath.IsAbs(dir) {
		return filepath.Join(dir, "rtbuild"), nil
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("looking for the user's directories: %w: set HOME, %s or %s", err, env, HomeEnv)
	}
	return filepath.Join(user, below, "rtbuild"), nil
}

// shortRun is a directory for the sockets of a home whose own path is too long for them.
func shortRun(state string) string {
	sum := sha256.Sum256([]byte(state))
	name := hex.EncodeToString(sum[:6])
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) && len(dir) < longestRun-len("/rtbuild/")-len(name) {
		return filepath.Join(dir, "rtbuild", name)
	}
	return filepath.Join("/tmp", fmt.Sprintf("rtbuild-%d", os.Getuid()), name)
}

func (o Options) port() (int, error) {
	text := os.Getenv(PortEnv)
	switch {
	case o.Port != 0:
		return o.Port, nil
	case text == "":
		return defaultPort(os.Getuid()), nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("invalid %s %q: it is a port, 1 to 65535", PortEnv, text)
	}
	return int(port), nil
}

func defaultPort(uid int) int { return firstPort + max(uid, 0)%portRange }

// make creates the directories, for the user alone.
func (h *home) make() error {
	for _, dir := range []string{h.state, h.data, filepath.Dir(h.run), h.run} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making the directories of the private builder: %w", err)
		}
	}
	// /tmp is everybody's: whoever made our directory there first could listen on our sockets.
	return ownedByUs(filepath.Dir(h.run))
}

func ownedByUs(dir string) error {
	fi, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) != os.Geteuid() || !fi.IsDir() || fi.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a directory that only this user may write to: remove it, or set %s to a short path", dir, HomeEnv)
	}
	return nil
}

// registry is the registry's host and port.
func (h *home) registry() string { return fmt.Sprintf("127.0.0.1:%d", h.port) }

func (h *home) socket() string       { return filepath.Join(h.run, "daemon.sock") }
func (h *home) startLock() string    { return filepath.Join(h.state, "start.lock") }
func (h *home) daemonLock() string   { return filepath.Join(h.state, "daemon.lock") }
func (h *home) daemonLog() string    { return filepath.Join(h.state, "daemon.log") }
func (h *home) builderLog() string   { return filepath.Join(h.state, "buildkitd.log") }
func (h *home) registryLog() string  { return filepath.Join(h.state, "registry.log") }
func (h *home) builderRoot() string  { return filepath.Join(h.data, "buildkit") }
func (h *home) registryRoot() string { return filepath.Join(h.data, "registry") }
