package embedded

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
)

// config returns buildkitd's configuration. It sets its own limits for the cache: the default keeps a fifth of the disk free,
// which leaves no cache on a developer's full disk.
func (b *builder) config(trust Trust) (string, error) {
	sandbox := b.host.uid == 0 || b.host.mountsProc()
	runc, err := b.home.installRunc()
	if err != nil {
		return "", err
	}
	lines := []string{
		"root = " + quote(b.home.builderRoot()),
		`insecure-entitlements = ["network.host"]`, // steps use the host's network in any case
		"[grpc]",
		"address = [" + quote(b.address()) + "]",
		"[otel]",
		"socketPath = " + quote(filepath.Join(b.home.run, "otel.sock")), // all buildkitds share the default
		"[worker.oci]",
		`networkMode = "host"`, // needs no CNI plugins
		"binary = " + quote(runc),
		"noProcessSandbox = " + strconv.FormatBool(!sandbox),
		`reservedSpace = "5GB"`,
		`maxUsedSpace = "60%"`,
		`minFreeSpace = "5%"`,
		"[worker.containerd]",
		"enabled = false",
	}
	registries, err := trust.toml(b.home.registry())
	return strings.Join(lines, "\n") + "\n" + registries, err
}

// quote returns a basic string of TOML, which has the same escapes as JSON.
func quote(text string) string {
	data, _ := json.Marshal(text) // encoding a string cannot fail
	return string(data)
}
