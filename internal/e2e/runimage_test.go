package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestRunImage starts a command in a container as OpenHands needs it: localhost has an address, and su works, also from a user. The
// image has a layer with gzip, and one without, which removes a file.
func TestRunImage(t *testing.T) {
	t.Parallel()
	image := onBase(t, "run-image", ocispecs.ImageConfig{}, fileWith("srv/note", "a note"), whiteout("etc/debian_version"))
	dir := filepath.Join(t.TempDir(), "container")
	const command = `set -e
cat /srv/note; ls /etc | grep -c '^debian_version$' || true
getent ahostsv4 localhost | head -n 1
echo "$GREETING, $1"
passwd -qd root
su nobody -s /bin/sh -c 'id -un; su root -c "id -un"'
grep -E '^(NoNewPrivs|CapEff):' /proc/self/status`
	run := exec.CommandContext(t.Context(), "../../hack/run-image", image, dir, "GREETING=hello there", "--", "/bin/sh", "-c", command, "sh", "--you")
	out, err := run.CombinedOutput()
	const want = "a note0\n127.0.0.1       STREAM localhost\nhello there, --you\nnobody\nroot\nCapEff:\t00000000a80425fb\nNoNewPrivs:\t0\n"
	if got := string(out); err != nil || strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}
