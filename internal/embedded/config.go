package embedded

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
)

// config is buildkitd's configuration. Its limits for the cache are ours: the default keeps a fifth of the disk free, and
// on a developer's full disk that is no cache at all.
func (b *builder) config(trust Trust) (string, error) {
	sandbox := b.host.uid == 0 || b.host.mountsProc()
	runc, err := b.home.installRunc()
	if err != nil {
		return "", err
	}
	lines := []string{
		"root = " + quote(b.home.builderRoot()),
		`insecure-entitlements = ["network.host"]`, // steps use the host's network anyway
		"[grpc]",
		"address = [" + quote(b.address()) + "]",
		"[otel]",
		"socketPath = " + quote(filepath.Join(b.home.run, "otel.sock")), // the default is every buildkitd's
		"[worker.oci]",
		`networkMode = "host"`, // CNI plugins are one thing less that a machine needs
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

// quote gives a basic string of TOML, whose escapes JSON's are.
func quote(text string) string {
	data, _ := json.Marshal(text) // a string always has a JSON form
	return string(data)
}
