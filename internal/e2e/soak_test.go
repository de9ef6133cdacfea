//go:build soak

package e2e

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// How often the long tests repeat: RTBUILD_SOAK, else what the project promises.
func repeats(t *testing.T, promised int) int {
	t.Helper()
	text := os.Getenv("RTBUILD_SOAK")
	if text == "" {
		return promised
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("invalid RTBUILD_SOAK %q: it is how often each kind is repeated", text)
	}
	return n
}

// TestSoakChanges: each kind of change strikes at a random moment of a solve, again and again. Whatever was published is what its
// tag stands for, and the solve afterwards gives the image of the tree.
func TestSoakChanges(t *testing.T) {
	p := &edited{project: small(t)}
	p.reset(t, change{})
	p.solve(t)
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			for range repeats(t, 20) {
				p.reset(t, c)
				before, was := p.now(t)
				strike := time.Duration(rand.Int64N(int64(longest(c.locks))))
				cmd := start(t, p.dir, p.args("solve", "--progress", "plain")...)
				timer := time.AfterFunc(strike, func() {
					if err := c.apply(p.dir); err != nil {
						t.Error(err)
					}
				})
				res := finish(t, cmd)
				if timer.Stop() { // the solve was faster
					if err := c.apply(p.dir); err != nil {
						t.Fatal(err)
					}
				}
				if res.code != 0 && res.code != 2 {
					t.Fatalf("struck after %s: exit code %d:\n%s", strike, res.code, res.stderr)
				}
				// A mode is in no tag, so that the tag may stand for what was there afterwards.
				if c.name != "mode" && exists(t, before) {
					p.holds(t, before, was)
				}
				if c.refused {
					p.fails(t, 2, "leave the context")
					continue
				}
				p.solve(t)
				after, is := p.now(t)
				p.holds(t, after, is)
				if t.Failed() {
					t.Fatalf("struck after %s:\n%s", strike, res.stderr)
				}
			}
		})
	}
}

// longest is about how long a solve takes: of the source alone, or of dependencies, too.
func longest(deps bool) time.Duration {
	if deps {
		return 6 * time.Second
	}
	return 600 * time.Millisecond
}

// TestSoakKills kills the client, the builder, or the registry with the builder, at a random moment of a solve. Nothing hangs; what is
// believed afterwards is what it stands for.
func TestSoakKills(t *testing.T) {
	p := &edited{project: small(t)}
	home, port := t.TempDir(), freePort(t)
	pair := func(args ...string) *run {
		cmd := start(t, p.dir, append(args, "--base-image", env.base)...)
		cmd.Env = append(cmd.Env, "RTBUILD_HOME="+home, "RTBUILD_REGISTRY_PORT="+port, "RTBUILD_BUILDKITD="+env.Buildkitd, "BUILDKIT_HOST=")
		return cmd
	}
	victims := []string{"client", "builder", "registry"}
	variants := []string{"lock", "versioned", "scratch"}
	for n := range repeats(t, 100) {
		victim, variant := victims[n%3], variants[n/3%3]
		t.Run(fmt.Sprintf("%d %s %s", n, variant, victim), func(t *testing.T) {
			args := []string{"solve", "--progress", "plain"}
			if variant == "scratch" {
				args = append(args, "--force-rebuild")
			}
			// A solve that ends before it is struck says nothing: the next one is struck earlier.
			for most := longest(variant != "lock"); ; most = most * 2 / 3 {
				p.reset(t, change{locks: variant != "lock"})
				if strike(t, pair(args...), time.Duration(rand.Int64N(int64(most))), func(client *run) bool { return kill(home, victim, client) }) {
					break
				}
			}
			res := finish(t, pair("solve", "--progress", "plain"))
			if res.code != 0 {
				t.Fatalf("the solve afterwards: exit code %d:\n%s", res.code, res.stderr)
			}
			out := filepath.Join(t.TempDir(), "rootfs")
			if res := finish(t, pair("solve", "-o", out)); res.code != 0 {
				t.Fatalf("exit code %d:\n%s", res.code, res.stderr)
			}
			for _, name := range []string{"server.js", "lib/util.js", "package.json", "package-lock.json"} {
				is := string(must(os.ReadFile(filepath.Join(out, "agent/code", name)))(t))
				if want := string(must(os.ReadFile(filepath.Join(p.dir, name)))(t)); is != want {
					t.Errorf("the image has %s:\n%s\nwant:\n%s", name, is, want)
				}
			}
			installed := string(must(os.ReadFile(filepath.Join(out, "agent/code/node_modules/is-number/package.json")))(t))
			if !strings.Contains(installed, `"version": "7.0.0"`) {
				t.Errorf("another dependency is installed: %s", installed)
			}
		})
	}
	ended(t, home)
}

// strike runs a client and does something to it after a while. It reports whether that was done while the client ran.
func strike(t *testing.T, client *run, after time.Duration, do func(client *run) bool) bool {
	t.Helper()
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- client.Wait() }()
	select {
	case <-ended:
		return false
	case <-time.After(after):
	}
	done := do(client)
	select {
	case <-ended:
		return done
	case <-time.After(2 * time.Minute):
		t.Fatalf("it hangs:\n%s", client.stderr.String())
		return false
	}
}

// kill ends one of the processes of a solve, and reports whether it was there.
func kill(home, victim string, client *run) (done bool) {
	if victim == "client" {
		return client.Process.Kill() == nil
	}
	for _, pid := range processes(home) {
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		isBuilder := strings.Contains(string(args), "buildkitd")
		if pid != client.Process.Pid && isBuilder == (victim == "builder") {
			done = syscall.Kill(pid, syscall.SIGKILL) == nil || done
		}
	}
	return done
}

// processes are those that were started with a home of the private pair.
func processes(home string) []int {
	var all []int
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		file, err := os.Open(filepath.Join(dir, "environ"))
		if err != nil {
			continue
		}
		variables := bufio.NewScanner(file)
		variables.Split(func(data []byte, atEOF bool) (int, []byte, error) {
			for i, b := range data {
				if b == 0 {
					return i + 1, data[:i], nil
				}
			}
			if atEOF && len(data) > 0 {
				return len(data), data, nil
			}
			return 0, nil, nil
		})
		for variables.Scan() {
			if variables.Text() == "RTBUILD_HOME="+home {
				pid, _ := strconv.Atoi(filepath.Base(dir))
				all = append(all, pid)
			}
		}
		_ = file.Close()
	}
	return all
}
