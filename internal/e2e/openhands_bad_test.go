package e2e

import (
	"archive/tar"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// onBase pushes the Debian base with a layer of further entries, and returns its reference. The default mode is 0755.
func onBase(t *testing.T, name string, config ocispecs.ImageConfig, entries ...tar.Header) string {
	t.Helper()
	var data bytes.Buffer
	archive := tar.NewWriter(&data)
	for _, h := range entries {
		content := h.PAXRecords["content"]
		h.PAXRecords, h.Size, h.Mode = nil, int64(len(content)), cmp.Or(h.Mode, 0o755)
		if err := archive.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	config.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	image := ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH}, Config: config}
	layers := []testenv.Blob{must(testenv.Base(t.Context()))(t), testenv.BytesBlob(ocispecs.MediaTypeImageLayer, data.Bytes())}
	must(env.registry.PushImage(t.Context(), "bases", name, image, layers...))(t)
	return env.registry.Host + "/bases:" + name
}

// fileWith returns a file with content.
func fileWith(name, content string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, PAXRecords: map[string]string{"content": content}}
}

// whiteout returns a whiteout of a file.
func whiteout(name string) tar.Header {
	return tar.Header{Name: path.Join(path.Dir(name), ".wh."+path.Base(name)), Typeflag: tar.TypeReg}
}

const osRelease = "etc/os-release"

// TestOpenhandsBases checks that unsupported bases are reported before anything is downloaded.
func TestOpenhandsBases(t *testing.T) {
	t.Parallel()
	libc := map[string]string{"amd64": "usr/lib/x86_64-linux-gnu/libc.so.6", "arm64": "usr/lib/aarch64-linux-gnu/libc.so.6"}[runtime.GOARCH]
	tests := []struct {
		name    string
		config  ocispecs.ImageConfig
		entries []tar.Header
		want    string
	}{
		{"an old glibc", ocispecs.ImageConfig{}, []tar.Header{fileWith(libc, "GNU C Library (Debian GLIBC 2.24-11) stable release version 2.24, by Roland McGrath et al.")},
			"openvscode-server 1.98.2 needs glibc 2.28 or newer, but the base image BASE has glibc 2.24: use a newer Debian or Ubuntu as base, or another base with glibc, or turn the editor off with components: {editor: false}"},
		{"musl", ocispecs.ImageConfig{}, []tar.Header{whiteout(libc), fileWith(osRelease, "ID=alpine\nPRETTY_NAME=\"Alpine Linux\"\n"), fileWith("sbin/apk", ""), fileWith("usr/lib/ld-musl-x86_64.so.1", "")},
			"uv 0.11.8 needs glibc 2.17 or newer, but the base image BASE has musl: use a newer Debian or Ubuntu as base, or another base with glibc"},
		{"no package manager", ocispecs.ImageConfig{}, []tar.Header{fileWith(osRelease, "ID=nixos\nPRETTY_NAME=NixOS\n")},
			"the base image is NixOS (os-release ID=nixos) and has no package manager that rtbuild knows (apt, apk, dnf, microdnf, yum, zypper), but packages must be installed: use a base with one of them, or a base that already has everything, and set packages: []"},
		{"distroless", ocispecs.ImageConfig{}, []tar.Header{whiteout("usr/bin/apt-get")},
			"the base image is Debian GNU/Linux 12 (bookworm) (os-release ID=debian) and has no package manager"},
		{"no shell", ocispecs.ImageConfig{}, []tar.Header{whiteout("usr/bin/sh"), whiteout("usr/bin/dash")},
			"base image BASE (Debian GNU/Linux 12 (bookworm)) has no /bin/sh, which the build's steps need"},
		{"a link at the prefix", ocispecs.ImageConfig{}, []tar.Header{{Name: "openhands", Typeflag: tar.TypeSymlink, Linkname: "srv"}},
			"base image BASE has a link at /openhands, where the runtime belongs: remove it from the base, or choose another prefix"},
		{"a file at the prefix", ocispecs.ImageConfig{}, []tar.Header{fileWith("openhands", "")},
			"base image BASE has a file at /openhands, where the runtime belongs"},
		{"a volume at the prefix", ocispecs.ImageConfig{Volumes: map[string]struct{}{"/openhands": {}}}, nil,
			"base image BASE declares a volume at /openhands, so its containers would hide the runtime at /openhands behind it"},
		{"a volume below it", ocispecs.ImageConfig{Volumes: map[string]struct{}{"/openhands/workspace/": {}}}, nil,
			"base image BASE declares a volume at /openhands/workspace/, so its containers"},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			base := onBase(t, "bad-"+string(rune('a'+i)), test.config, test.entries...)
			p := openhands(t)
			res := client(t, p.dir, "solve", "--progress", "plain", "--base-image", base, "--repository", p.repository)
			want := strings.ReplaceAll(test.want, "BASE", base)
			if !strings.Contains(res.errorLine(), want) || res.code != 1 {
				t.Errorf("exit code %d, %s\nwant %s", res.code, res.errorLine(), want)
			}
		})
	}
}

// TestOpenhandsUsers creates the user on bases that already use its name or its IDs.
func TestOpenhandsUsers(t *testing.T) {
	t.Parallel()
	passwd, group := "root:x:0:0:root:/root:/bin/bash\n", "root:x:0:\nsudo:x:27:\n"
	tests := []struct {
		name, passwd, group string
		want                []string // lines of /etc/passwd after root's
		owner               string   // of /openhands
		more                []tar.Header
	}{
		{"1000 is another's", "a:x:1000:1000::/home/a:/bin/sh\n", "a:x:1000:\n",
			[]string{"a:x:1000:1000::/home/a:/bin/sh", "openhands:x:1001:1001::/home/openhands:/bin/bash"}, "1001:1001", nil},
		{"a leftover holds 1000", "ubuntu:x:1000:1000::/home/ubuntu:/bin/sh\n", "ubuntu:x:1000:\n",
			[]string{"openhands:x:1000:1000::/home/openhands:/bin/bash"}, "1000:1000", nil},
		{"it is there with other ids", "openhands:x:77:78::/home/oh:/bin/sh\n", "openhands:x:78:\n",
			[]string{"openhands:x:77:78::/home/openhands:/bin/bash"}, "77:78", nil},
		{"nothing may be written to", "", "", []string{"openhands:x:1000:1000::/home/openhands:/bin/bash"}, "1000:1000", []tar.Header{
			{Name: "./", Typeflag: tar.TypeDir, Mode: 0o555}, {Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o555}, {Name: "home/", Typeflag: tar.TypeDir, Mode: 0o555},
			{Name: "opt/", Typeflag: tar.TypeDir, Mode: 0o555}, {Name: "usr/", Typeflag: tar.TypeDir, Mode: 0o555},
		}},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			base := onBase(t, "user-"+string(rune('a'+i)), ocispecs.ImageConfig{}, append(test.more,
				fileWith("etc/passwd", passwd+test.passwd), fileWith("etc/group", group+test.group),
				fileWith("etc/shadow", "root:*:20000:0:99999:7:::\nopenhands:*:20000:0:99999:7:::\n"), fileWith("home/a/file", "mine"))...)
			p := openhands(t)
			p.runtimeFile(t, "base: "+base, "repository: "+p.repository, "packages: []", "components: {docker: false, editor: false, browser: false}")
			out := t.TempDir()
			p.buildx(t, "--target", "system", "-o", "type=tar,dest="+out+".tar")
			if said, err := exec.Command("tar", "--numeric-owner", "-C", out, "-xpf", out+".tar").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			root := unpacked(out)
			if got := strings.Join(root.lines(t, "/etc/passwd", `^.+$`)[1:], "\n"); got != strings.Join(test.want, "\n") {
				t.Errorf("passwd:\n%s", got)
			}
			if got := root.at(t, "/openhands"); got != "drwxr-xr-x "+test.owner {
				t.Errorf("/openhands: %s", got)
			}
			if got := root.at(t, "/home/openhands"); !strings.HasSuffix(got, " "+test.owner) {
				t.Errorf("/home/openhands: %s", got)
			}
			if got := root.lines(t, "/etc/group", `^sudo:.*$`); len(got) != 1 || got[0] != "sudo:x:27:openhands" {
				t.Errorf("group sudo: %q", got)
			}
			if got := root.at(t, "/home/a/file"); got != "-rwxr-xr-x 0:0" {
				t.Errorf("another's file: %s", got)
			}
		})
	}
}

// testOpenhandsDownloads checks mirrors that do not answer, and files with wrong content.
func testOpenhandsDownloads(t *testing.T) {
	builtOpenhands(t)
	defer oh.mirror.Fault(nil)
	tests := []struct {
		name  string
		fault func(http.ResponseWriter, *http.Request) bool
		from  string // replaces github.com for the builder's own downloads
		want  []string
	}{
		{"another file", func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/uv-") {
				return false
			}
			_, _ = w.Write([]byte(r.URL.Path))
			return true
		}, oh.mirror.URL + "/github", []string{
			`step "[tools] fetch uv 0.11.8 from http://`, "/github/astral-sh/uv/releases/download/0.11.8/uv-", "failed: its sha256 is ", ", expected ",
		}},
		{"absent", func(w http.ResponseWriter, r *http.Request) bool {
			http.Error(w, "gone", http.StatusNotFound)
			return true
		}, oh.mirror.URL + "/github", []string{"/github/", "or the server sent an error page"}},
		{"unreachable", nil, "http://127.0.0.1:1/github", []string{"http://127.0.0.1:1/github/", "connection refused"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := &project{dir: t.TempDir(), repository: oh.registry.Host + "/" + repositoryOf(t)}
			if err := os.CopyFS(p.dir, os.DirFS(oh.dir)); err != nil {
				t.Fatal(err)
			}
			yaml := openhandsYAML(t, oh.base, "components: {docker: false, editor: false, browser: false}", "packages: []")
			write(t, p.dir, "runtime.yaml", strings.ReplaceAll(yaml, oh.mirrors["https://github.com"], test.from))
			oh.mirror.Fault(nil)
			if test.fault != nil {
				oh.mirror.Fault(func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.HasPrefix(r.URL.Path, "/github/") {
						return false
					}
					return test.fault(w, r)
				})
			}
			builder := freshBuilder(t, testenv.BuilderOptions{})
			res := client(t, p.dir, "solve", "--repository", p.repository, "--progress", "plain", "--addr", builder.Addr)
			for _, want := range test.want {
				if !strings.Contains(res.errorLine(), want) {
					t.Errorf("%s\nlacks %s", res.errorLine(), want)
				}
			}
			if res.code != 1 {
				t.Errorf("exit code %d", res.code)
			}
		})
	}
}

// testOpenhandsNewerLock checks that the error contains Poetry's message about a lock file that it cannot read.
func testOpenhandsNewerLock(t *testing.T) {
	built := builtOpenhands(t)
	p := &project{dir: t.TempDir(), repository: built.repository}
	if err := os.CopyFS(p.dir, os.DirFS(built.dir)); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(p.dir, "poetry.lock"), `lock-version = "2.1"`, `lock-version = "9.0"`)
	res := client(t, p.dir, p.openhandsArgs("solve", "--progress", "plain", "--addr", env.builder.Addr)...)
	if res.code != 1 || !strings.Contains(res.errorLine(), `step "[deps] read poetry.lock" failed: exit code`) ||
		!strings.Contains(res.stderr, "The lock file is not compatible with the current version of Poetry") {
		t.Errorf("exit code %d\n%s", res.code, res.stderr[max(0, len(res.stderr)-2000):])
	}
}

// testOpenhandsDirtyExtra checks what an extra command leaves. The image must contain its files, but not those in temporary
// directories of a step or in mount points of secrets. Processes that the command starts must end with it.
func testOpenhandsDirtyExtra(t *testing.T) {
	p := builtOpenhands(t)
	npmrc := filepath.Join(t.TempDir(), "npmrc")
	write(t, filepath.Dir(npmrc), "npmrc", "fund=false\n")
	const extra = `test "$(cat ~/.npmrc)" = fund=false && echo x > /tmp/left && mkdir -p ~/.cache/left && echo made > made && chmod 000 made &&
rm openhands/agent_server.py && (setsid sleep 600 >/dev/null 2>&1 &)`
	res := succeed(t, p.dir, p.openhandsArgs("solve", "--progress", "plain", "--addr", oh.builder.Addr, "--extra-deps", extra, "--secret", "id=npmrc,src="+npmrc)...)
	made := image(t, res.stdout)
	var entries []string
	err := made.Layer(t.Context(), len(made.Manifest.Layers)-1, func(h *tar.Header, _ io.Reader) error {
		entries = append(entries, fmt.Sprintf("%s %d %o", strings.TrimSuffix(h.Name, "/"), h.Uid, h.Mode))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"home 0 755", "home/openhands 1000 700", "home/openhands/.cache 1000 755", "home/openhands/.cache/left 1000 755", "openhands 1000 755",
		"openhands/code 1000 755", "openhands/code/made 1000 0", "openhands/code/openhands 1000 755", "openhands/code/openhands/.wh.agent_server.py 0 0",
	}
	if !slices.Equal(entries, want) {
		t.Errorf("the layer holds\n%s", strings.Join(entries, "\n"))
	}
}

// TestOpenhandsStrict checks that --strict refuses a download without a checksum until the runtime file has one.
func TestOpenhandsStrict(t *testing.T) {
	t.Parallel()
	p := openhands(t)
	args := []string{"plan", "--strict", "--base-image", env.base, "--repository", p.repository}
	res := client(t, p.dir, args...)
	if res.code != 2 || !strings.Contains(res.errorLine(), "--strict: the download of openvscode-server 1.98.2 for "+runtime.GOARCH+" from https://github.com/") {
		t.Errorf("exit code %d, %s", res.code, res.errorLine())
	}
	p.runtimeFile(t, "repository: "+p.repository, "tools: [{name: openvscode-server, version: 1.98.2, sha256: {"+runtime.GOARCH+": "+strings.Repeat("0a", 32)+"}}]")
	succeed(t, p.dir, args...)
}
