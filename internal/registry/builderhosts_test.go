package registry

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/moby/buildkit/util/resolver/config"
	"github.com/pelletier/go-toml/v2"
)

// builderHostsTests are directories of hosts.toml files, and what buildkitd.toml says in their place. DIR is the directory.
var builderHostsTests = []struct {
	name  string
	files map[string]string
	used  []string
	want  map[string]config.RegistryConfig
	warns []string // parts, one a warning
}{
	{name: "nothing", used: []string{"registry.example.com", "docker.io", ""}, want: map[string]config.RegistryConfig{}},
	{
		name:  "mirrors, in order, the registry last",
		files: map[string]string{"docker.io/hosts.toml": "[host.\"https://one.example.com\"]\n[host.\"https://two.example.com/v2/hub\"]\noverride_path = true\n"},
		want:  map[string]config.RegistryConfig{"docker.io": {Mirrors: []string{"one.example.com", "two.example.com/hub"}}},
	},
	{
		name:  "a mirror with plain HTTP, and one on loopback with TLS",
		files: map[string]string{"r.example.com/hosts.toml": "[host.\"http://plain.example.com:5000\"]\n[host.\"https://127.0.0.1:5001\"]\n"},
		want: map[string]config.RegistryConfig{
			"r.example.com":          {Mirrors: []string{"plain.example.com:5000", "127.0.0.1:5001"}},
			"plain.example.com:5000": {PlainHTTP: yes()}, "127.0.0.1:5001": {PlainHTTP: no()},
		},
	},
	{
		name: "authorities and certificates, of the registry and of a mirror",
		files: map[string]string{
			"r.example.com_5000_/hosts.toml": "ca = \"own.crt\"\nclient = [[\"own.cert\", \"own.key\"], \"both.pem\"]\n[host.\"https://m.example.com\"]\nca = [\"m.crt\", \"own.crt\"]\nskip_verify = true\n",
			"r.example.com_5000_/own.crt":    "AUTHORITY", "r.example.com_5000_/m.crt": "AUTHORITY",
			"r.example.com_5000_/own.cert": "CERTIFICATE", "r.example.com_5000_/own.key": "KEY", "r.example.com_5000_/both.pem": "CERTIFICATEKEY",
		},
		want: map[string]config.RegistryConfig{
			"r.example.com:5000": {
				Mirrors: []string{"m.example.com"}, RootCAs: []string{"DIR/r.example.com_5000_/own.crt"},
				KeyPairs: []config.TLSKeyPair{
					{Certificate: "DIR/r.example.com_5000_/own.cert", Key: "DIR/r.example.com_5000_/own.key"},
					{Certificate: "DIR/r.example.com_5000_/both.pem", Key: "DIR/r.example.com_5000_/both.pem"},
				},
			},
			"m.example.com": {Insecure: yes(), RootCAs: []string{"DIR/r.example.com_5000_/m.crt", "DIR/r.example.com_5000_/own.crt"}},
		},
	},
	{
		name:  "certificates in Docker's layout",
		files: map[string]string{"r.example.com/ca.crt": "AUTHORITY"},
		want:  map[string]config.RegistryConfig{"r.example.com": {TLSConfigDir: []string{"DIR/r.example.com"}}},
	},
	{
		name:  "the default, for what is used",
		files: map[string]string{"_default/hosts.toml": "[host.\"https://m.example.com\"]\n"},
		used:  []string{"r.example.com"},
		want:  map[string]config.RegistryConfig{"r.example.com": {Mirrors: []string{"m.example.com"}}},
	},
	{
		name: "a warning about settings that buildkitd.toml cannot express",
		files: map[string]string{
			"used.example.com/hosts.toml": "server = \"https://other.example.com\"\n[host.\"https://digests.example.com\"]\ncapabilities = [\"pull\"]\n" +
				"[host.\"https://deep.example.com/below\"]\n[host.\"https://head.example.com\"]\n[host.\"https://head.example.com\".header]\nx-team = \"secret\"\n" +
				"[host.\"https://push.example.com\"]\ncapabilities = [\"push\"]\n",
			"unused.example.com/hosts.toml": "[host.\"https://digests.example.com\"]\ncapabilities = [\"pull\"]\n",
		},
		used:  []string{"used.example.com"},
		want:  map[string]config.RegistryConfig{"used.example.com": {Mirrors: []string{"head.example.com", "other.example.com"}}},
		warns: []string{"the mirror digests.example.com, which may not resolve tags", "the mirror deep.example.com, because of its path /below/v2", "headers for head.example.com", "the server other.example.com for pushes"},
	},
	{
		name:  "a broken file of a registry that is not used",
		files: map[string]string{"r.example.com/hosts.toml": "server = \n"},
		used:  []string{"other.example.com"},
		want:  map[string]config.RegistryConfig{},
		warns: []string{"r.example.com"},
	},
}

func yes() *bool { b := true; return &b }
func no() *bool  { b := false; return &b }

func TestBuilderHosts(t *testing.T) {
	for _, test := range builderHostsTests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			pems := t.TempDir()
			certificate := string(makeCertificate(t, pems))
			for name, text := range test.files {
				switch text {
				case "AUTHORITY", "CERTIFICATE":
					text = certificate
				case "KEY":
					text = readFile(t, pems, "tls.key")
				case "CERTIFICATEKEY":
					text = certificate + readFile(t, pems, "tls.key")
				}
				write(t, text, dir, filepath.FromSlash(name))
			}
			var warned []string
			c, _ := newClient(t, Options{ConfigDir: dir, Warn: func(line string) { warned = append(warned, line) }})
			got, err := c.BuilderHosts(test.used...)
			if err != nil {
				t.Fatal(err)
			}
			if want := inDir(t, test.want, dir); !reflect.DeepEqual(asTOML(t, got), want) {
				t.Errorf("got\n%s\nwant\n%s", asTOML(t, got), want)
			}
			if len(warned) != len(test.warns) {
				t.Fatalf("warned %q, want %q", warned, test.warns)
			}
			for i, part := range test.warns {
				if !strings.Contains(warned[i], part) || strings.Contains(warned[i], "secret") {
					t.Errorf("warned %q, want %q", warned[i], part)
				}
			}
		})
	}
}

func TestBuilderHostsBrokenFile(t *testing.T) {
	c, _ := newClient(t, Options{ConfigDir: configDir(t, "r.example.com", "server = \n")})
	if got, err := c.BuilderHosts("r.example.com"); err == nil || !strings.Contains(err.Error(), "r.example.com") {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestBuilderHostsLoopbackTLS uses a registry on loopback that speaks TLS. BuildKit would use plain HTTP.
func TestBuilderHostsLoopbackTLS(t *testing.T) {
	f := newFake(t)
	f.StartTLS()
	f.image(amd64, "it")
	c, _ := newClient(t, Options{CAFile: caOf(t, f)})
	if _, err := c.Resolve(t.Context(), f.host()+"/"+repo+":it"); err != nil {
		t.Fatal(err)
	}
	got, err := c.BuilderHosts(f.host())
	if want := map[string]config.RegistryConfig{f.host(): {PlainHTTP: no()}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func readFile(t *testing.T, elem ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func asTOML(t *testing.T, hosts map[string]config.RegistryConfig) string {
	t.Helper()
	text, err := toml.Marshal(hosts)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func inDir(t *testing.T, hosts map[string]config.RegistryConfig, dir string) string {
	t.Helper()
	return strings.ReplaceAll(asTOML(t, hosts), "DIR", dir)
}

// TestHostFilesAreRegularFiles: New must not block on a pipe or read a device without end.
func TestHostFilesAreRegularFiles(t *testing.T) {
	const registry = "r.example.com"
	tests := []struct{ name, toml, pipe, want string }{
		{name: "hosts.toml is a pipe", pipe: "hosts.toml", want: "hosts.toml is a pipe"},
		{name: "hosts.toml is too large", toml: strings.Repeat("#", 1<<20+1), want: "hosts.toml is larger than 1 MiB"},
		{name: "an authority is a device", toml: "ca = \"/dev/zero\"\n", want: "/dev/zero is a device"},
		{name: "a mirror's authority is a pipe", toml: "[host.\"https://m.example.com\"]\nca = [\"own.crt\"]\n", pipe: "own.crt", want: "own.crt is a pipe"},
		{name: "a key is a pipe", toml: "client = [[\"own.cert\", \"own.key\"]]\n", pipe: "own.key", want: "own.key is a pipe"},
		{name: "a certificate beside no hosts.toml is a pipe", pipe: "own.crt", want: "own.crt is a pipe"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, test.toml, dir, registry, "hosts.toml")
			if test.toml == "" {
				_ = os.Remove(filepath.Join(dir, registry, "hosts.toml"))
			}
			if test.pipe != "" {
				if err := syscall.Mkfifo(filepath.Join(dir, registry, test.pipe), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c, _ := newClient(t, Options{ConfigDir: dir})
			if _, err := c.BuilderHosts(registry); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), registry) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
