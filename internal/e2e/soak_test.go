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

// repeats returns how often a soak test repeats: RTBUILD_SOAK, or standard by default.
func repeats(t *testing.T, standard int) int {
	t.Helper()
	text := os.Getenv("RTBUILD_SOAK")
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("invalid RTBUILD_SOAK %q: it is how often each kind is repeated", text)
	}
	return n
}

// TestSoakChanges repeats each kind of change at random moments of a solve. Every published tag must match its content, and the
// next solve must give the image of the current project.
func TestSoakChanges(t *testing.T) {
	p := &edited{project: small(t)}
	p.reset(t, change{})
	p.solve(t)
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			for range repeats(t, 20) {
				p.reset(t, c)
				before, was := p.current(t)
				strike := time.Duration(rand.Int64N(int64(longest(c.locks))))
				cmd := start(t, p.dir, p.args("solve", "--progress", "plain")...)
				timer := time.AfterFunc(strike, func() {
					if err := c.apply(p.dir); err != nil {
						t.Error(err)
					}
				})
				res := finish(t, cmd)
				if timer.Stop() { // the solve ended before the change
					if err := c.apply(p.dir); err != nil {
						t.Fatal(err)
					}
				}
				if res.code != 0 && res.code != 2 {
					t.Fatalf("struck after %s: exit code %d:\n%s", strike, res.code, res.stderr)
				}
				// No tag covers a file's mode, so the tag may have either mode.
				if c.name != "mode" && exists(t, before) {
					p.wantSource(t, before, was)
				}
				if c.refused {
					p.fails(t, 2, "leave the context")
					continue
				}
				p.solve(t)
				after, is := p.current(t)
				p.wantSource(t, after, is)
				if t.Failed() {
					t.Fatalf("struck after %s:\n%s", strike, res.stderr)
				}
			}
		})
	}
}

// longest estimates the duration of a solve, of the source alone or with dependencies.
func longest(deps bool) time.Duration {
	if deps {
		return 6 * time.Second
	}
	return 600 * time.Millisecond
}

// TestSoakKills kills the client, the builder, or registry and builder at random moments of a solve. Nothing may hang, and existing
// tags must match their content.
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
			// A solve that ends before the kill proves nothing, so the next kill comes earlier.
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

// strike runs a client, and calls do after a delay. It reports whether the client was still running.
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

// kill kills one of the processes of a solve, and reports whether it was running.
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

// processes returns the processes that were started with a private pair's home.
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
