package builders

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Instances as docker-buildx v0.38.2 writes them. The end-to-end tests use files that it has written.
const (
	container = `{"Name":"box","Driver":"docker-container","Nodes":[{"Name":"box0","Endpoint":"default","Platforms":null,"DriverOpts":{"network":"host"},"Flags":["--allow-insecure-entitlement=network.host"],"Files":null}],"Dynamic":false}`
	remote    = `{"Name":"far","Driver":"remote","Nodes":[{"Name":"far0","Endpoint":"tcp://far:1234","Platforms":null,"DriverOpts":{"cacert":"/ca.pem","cert":"/cert.pem","key":"/key.pem","servername":"name"},"Flags":null,"Files":null}],"Dynamic":false}`
	two       = `{"Name":"two","Driver":"remote","Nodes":[{"Name":"two0","Endpoint":"tcp://a:1","Platforms":[{"architecture":"amd64","os":"linux"}]},{"Name":"two1","Endpoint":"tcp://b:1","Platforms":[{"architecture":"arm64","os":"linux"},{"architecture":"arm","os":"linux","variant":"v7"}]}]}`
)

// TestFindBuildx reads files in the format of docker buildx.
func TestFindBuildx(t *testing.T) {
	tests := []struct {
		name, builder, instance string
		platforms               string
		dockerHost              string
		want                    Address
		note                    string // a part of it
		err                     string
	}{
		{name: "container", builder: "box", instance: container, want: Address{Addr: "docker-container://buildx_buildkit_box0"}},
		{name: "name in capitals", builder: "Box", instance: container, want: Address{Addr: "docker-container://buildx_buildkit_box0"}},
		{name: "container of a context", builder: "box", instance: strings.Replace(container, `"default"`, `"far away"`, 1),
			want: Address{Addr: "docker-container://buildx_buildkit_box0?context=far+away"}},
		{name: "container on the engine here", builder: "box", instance: strings.Replace(container, "default", "unix:///var/run/docker.sock", 1),
			want: Address{Addr: "docker-container://buildx_buildkit_box0"}},
		{name: "container on DOCKER_HOST", builder: "box", instance: strings.Replace(container, "default", "tcp://e:2375", 1), dockerHost: "tcp://e:2375",
			want: Address{Addr: "docker-container://buildx_buildkit_box0"}},
		{name: "container on another engine", builder: "box", instance: strings.Replace(container, "default", "tcp://e:2375", 1),
			err: "builder box runs on the engine at tcp://e:2375: run this with DOCKER_HOST=tcp://e:2375"},
		{name: "remote", builder: "far", instance: remote,
			want: Address{Addr: "tcp://far:1234", CACert: "/ca.pem", Cert: "/cert.pem", Key: "/key.pem", ServerName: "name"}},
		{name: "two nodes, the first fits", builder: "two", instance: two, platforms: "linux/amd64",
			want: Address{Addr: "tcp://a:1"}, note: "everything is built on two0"},
		{name: "two nodes, the second fits", builder: "two", instance: two, platforms: "linux/arm64,linux/arm/v7",
			want: Address{Addr: "tcp://b:1"}, note: "everything is built on two1"},
		{name: "two nodes, none fits", builder: "two", instance: two, platforms: "linux/arm64,linux/amd64",
			want: Address{Addr: "tcp://a:1"}, note: "none of which lists linux/arm64, linux/amd64: everything is built on the first, two0"},
		{name: "no nodes", builder: "x", instance: `{"Name":"x","Driver":"remote","Nodes":[]}`, err: "builder x has no node"},
		{name: "kubernetes", builder: "k", instance: `{"Name":"k","Driver":"kubernetes","Nodes":[{"Name":"k0"}]}`, err: "kube-pod://"},
		{name: "cloud", builder: "c", instance: `{"Name":"c","Driver":"cloud","Nodes":[{"Name":"c0"}]}`, err: "driver cloud, which is not supported"},
		{name: "docker", builder: "d", instance: `{"Name":"d","Driver":"docker","Nodes":[{"Name":"d0","Endpoint":"far"}]}`, want: Address{Addr: "docker://far"}},
		{name: "default", builder: "default", want: Address{Addr: "docker://default"}},
		{name: "unknown", builder: "other", instance: container, err: `no builder "other": there is box, and docker has no context of this name; create it with: docker buildx create --name other`},
		{name: "none at all", builder: "other", err: "there are none in "},
		{name: "not a name", builder: "../x", err: `invalid builder name "../x"`},
		{name: "not JSON", builder: "x", instance: "{", err: "unexpected end of JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("BUILDX_CONFIG", dir)
			t.Setenv("DOCKER_HOST", tt.dockerHost)
			if tt.instance != "" {
				put(t, dir, tt.instance)
			}
			got, note, err := findBuildx(tt.builder, parse(t, tt.platforms))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(note, tt.note) || (tt.note == "") != (note == "") {
				t.Errorf("got note %q, want %q", note, tt.note)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// put writes an instance to the file with its name, as buildx does. The name is x if the instance has none.
func put(t *testing.T, dir, instance string) {
	t.Helper()
	name := "x"
	if _, rest, ok := strings.Cut(instance, `"Name":"`); ok {
		name, _, _ = strings.Cut(rest, `"`)
	}
	if err := os.MkdirAll(filepath.Join(dir, "instances"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "instances", name), []byte(instance), 0o600); err != nil {
		t.Fatal(err)
	}
}

func parse(t *testing.T, list string) []ocispecs.Platform {
	t.Helper()
	var all []ocispecs.Platform
	for text := range strings.SplitSeq(list, ",") {
		if text == "" {
			continue
		}
		p, err := platforms.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, platforms.Normalize(p))
	}
	return all
}

// TestBuildxDir: the directory is the one that buildx uses.
func TestBuildxDir(t *testing.T) {
	for _, tt := range []struct{ name, variable, below string }{
		{"BUILDX_CONFIG", "BUILDX_CONFIG", ""},
		{"DOCKER_CONFIG", "DOCKER_CONFIG", "buildx"},
		{"home", "HOME", ".docker/buildx"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"BUILDX_CONFIG", "DOCKER_CONFIG", "DOCKER_HOST"} {
				t.Setenv(name, "")
			}
			dir := t.TempDir()
			t.Setenv(tt.variable, dir)
			put(t, filepath.Join(dir, filepath.FromSlash(tt.below)), container)
			if got, _, err := findBuildx("box", nil); err != nil || got.Addr == "" {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
