package e2e

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// TestTLS builds on a builder that requires TLS with a client certificate.
func TestTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "builders")
	server, user := t.TempDir(), t.TempDir()
	issue(t, ca, server, x509.ExtKeyUsageServerAuth)
	issue(t, ca, user, x509.ExtKeyUsageClientAuth)
	addr := "tcp://127.0.0.1:" + freePort(t)
	freshBuilder(t, testenv.BuilderOptions{Listen: addr, Args: []string{
		"--tlscacert", filepath.Join(server, "ca.pem"), "--tlscert", filepath.Join(server, "cert.pem"), "--tlskey", filepath.Join(server, "key.pem"),
	}})
	p := small(t)
	p.solve(t, "--addr", addr, "--tlsdir", user)
	t.Run("another authority", func(t *testing.T) {
		other := t.TempDir()
		issue(t, newAuthority(t, "other"), other, x509.ExtKeyUsageClientAuth)
		res := p.fails(t, 4, "connecting to builder "+addr, "--addr", addr, "--tlsdir", other, "--force-rebuild")
		if !strings.Contains(res.stderr, "x509") {
			t.Errorf("the cause is not told: %s", res.stderr)
		}
	})
}

// TestSSH builds on a builder behind a real sshd, which the client reaches as docker and buildctl do.
func TestSSH(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file(key)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if err := os.Rename(file("user.pub"), file("authorized_keys")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	// On the remote side, PATH contains buildctl, and BUILDKIT_HOST names the builder.
	write(t, dir, "sshd_config", fmt.Sprintf("Port %s\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\n"+
		"UsePAM no\nPermitRootLogin yes\nPidFile none\nSetEnv PATH=%s:/usr/bin:/bin BUILDKIT_HOST=%s\n",
		port, file("host"), file("authorized_keys"), filepath.Dir(env.Buildctl), env.builder.Addr))
	sshd := exec.CommandContext(t.Context(), "/usr/sbin/sshd", "-D", "-e", "-f", file("sshd_config"))
	log := must(sshd.StderrPipe())(t)
	if err := sshd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sshd.Process.Kill(); _ = sshd.Wait() })
	lines := bufio.NewScanner(log)
	for lines.Scan() && !strings.Contains(lines.Text(), "Server listening") {
		t.Log(lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	// Ignore the user's own ssh settings.
	write(t, dir, "bin/ssh", fmt.Sprintf("#!/bin/sh\nexec /usr/bin/ssh -F none -i %s -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \"$@\"\n", file("user")))
	if err := os.Chmod(file("bin/ssh"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := small(t)
	cmd := start(t, p.dir, p.args("solve", "--progress", "plain", "--addr", "ssh://root@127.0.0.1:"+port)...)
	cmd.Env = append(cmd.Env, "PATH="+file("bin")+":"+os.Getenv("PATH"))
	if res := finish(t, cmd); res.code != 0 {
		t.Errorf("exit code %d: %s", res.code, res.stderr)
	}
}
