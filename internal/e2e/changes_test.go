package e2e

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// change changes a project during its build.
type change struct {
	name  string
	apply func(dir string) error
	path  string // beginning of the path that the client names when it plans again; empty if the hashed content still exists
	locks bool   // the change affects lock files, so deps are built meanwhile
	// refused marks a change after which the project is invalid: exit code 2.
	refused bool
}

// changes lists the ways in which files change. A project has server.js, lib/util.js and the lock files of small.
var changes = []change{
	{name: "append", path: "server.js", apply: func(dir string) error {
		f, err := os.OpenFile(filepath.Join(dir, "server.js"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString("// more\n")
		return errors.Join(err, f.Close())
	}},
	{name: "rewrite with equal size and time", path: "server.js", apply: func(dir string) error {
		file := filepath.Join(dir, "server.js")
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		content := strings.Repeat("E", int(info.Size()))
		return errors.Join(os.WriteFile(file, []byte(content), 0o644), os.Chtimes(file, info.ModTime(), info.ModTime()))
	}},
	{name: "rename", path: "server.js", apply: func(dir string) error {
		return os.Rename(filepath.Join(dir, "server.js"), filepath.Join(dir, "main.js"))
	}},
	{name: "delete", path: "lib/util.js", apply: func(dir string) error { return os.Remove(filepath.Join(dir, "lib/util.js")) }},
	{name: "new file", apply: func(dir string) error { return os.WriteFile(filepath.Join(dir, "new.js"), []byte("1"), 0o644) }},
	{name: "link to another file", path: "lib/util.js", apply: func(dir string) error {
		file := filepath.Join(dir, "lib/util.js")
		return errors.Join(os.Remove(file), os.Symlink("../server.js", file))
	}},
	{name: "link to a secret", path: "lib/util.js", refused: true, apply: func(dir string) error {
		file, secret := filepath.Join(dir, "lib/util.js"), filepath.Join(filepath.Dir(dir), "secret")
		return errors.Join(os.WriteFile(secret, []byte("password: hunter2"), 0o600), os.Remove(file), os.Symlink(secret, file))
	}},
	{name: "directory for a file", path: "lib/util.js", apply: func(dir string) error {
		file := filepath.Join(dir, "lib/util.js")
		return errors.Join(os.Remove(file), os.Mkdir(file, 0o755), os.WriteFile(filepath.Join(file, "index.js"), []byte("2"), 0o644))
	}},
	{name: "lock file", locks: true, path: "package", apply: func(dir string) error {
		return errors.Join(
			os.WriteFile(filepath.Join(dir, "package-lock.json"), []byte(lockOf("6.0.0", isNumber6)), 0o644),
			os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"name":"small","version":"1.0.0","dependencies":{"is-number":"6.0.0"}}`), 0o644))
	}},
	{name: "mode", apply: func(dir string) error { return os.Chmod(filepath.Join(dir, "server.js"), 0o755) }},
}

// edited is a project that changes repeatedly.
type edited struct {
	*project
	n int
}

// reset rewrites the project, so that no image of this source, or of these lock files, exists.
func (p *edited) reset(t *testing.T, c change) {
	t.Helper()
	p.n++
	for _, name := range []string{"main.js", "new.js", "lib", "server.js"} {
		if err := os.RemoveAll(filepath.Join(p.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, p.dir, "server.js", fmt.Sprintf("console.log(%d)\n", p.n))
	write(t, p.dir, "lib/util.js", fmt.Sprintf("exports.n = %d\n", p.n))
	author := "nobody"
	if c.locks {
		author = fmt.Sprintf("%d", p.n)
	}
	write(t, p.dir, "package.json", fmt.Sprintf(`{"name":"small","version":"1.0.0","author":%q,"dependencies":{"is-number":"7.0.0"}}`, author))
	write(t, p.dir, "package-lock.json", lockOf("7.0.0", isNumber7))
}

// current returns the project's current source tag, and the expected content of /agent/code.
func (p *edited) current(t *testing.T) (tag string, files map[string]testenv.Entry) {
	t.Helper()
	files = map[string]testenv.Entry{}
	err := filepath.WalkDir(p.dir, func(file string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(p.dir, file)
		if err != nil || d.IsDir() || rel == "runtime.yaml" {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			files[rel] = testenv.Entry{Link: must(os.Readlink(file))(t)}
			return nil
		}
		data := must(os.ReadFile(file))(t)
		mode := int64(0o644)
		if info := must(d.Info())(t); info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		files[rel] = testenv.Entry{Mode: mode, Digest: digest.NewDigestFromBytes(digest.SHA256, sum(data))}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.plan(t).Images.Source, files
}

func sum(data []byte) []byte {
	s := sha256.Sum256(data)
	return s[:]
}

// wantSource checks that an image's source layer, its last, contains exactly these files and links.
func (p *edited) wantSource(t *testing.T, ref string, want map[string]testenv.Entry) {
	t.Helper()
	img := image(t, ref)
	got := map[string]testenv.Entry{}
	err := img.Layer(t.Context(), len(img.Manifest.Layers)-1, func(h *tar.Header, content io.Reader) error {
		name, below := strings.CutPrefix(path.Clean("/"+h.Name), "/agent/code/")
		data, err := io.ReadAll(content)
		switch {
		case !below || h.Typeflag == tar.TypeDir:
		case h.Typeflag == tar.TypeSymlink:
			got[name] = testenv.Entry{Link: h.Linkname}
		default:
			got[name] = testenv.Entry{Mode: h.Mode & 0o7777, Digest: digest.FromBytes(data)}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sameTree(t, want, got)
}

// exists reports whether a tag exists.
func exists(t *testing.T, ref string) bool {
	t.Helper()
	_, err := env.registry.Image(t.Context(), ref)
	return err == nil
}

// TestChangesDuringBuild changes a project after planning and before the builder gets it. Every published tag must match its
// content, and solve must end with the image of the current project.
func TestChangesDuringBuild(t *testing.T) {
	t.Parallel()
	p := &edited{project: small(t)}
	p.reset(t, change{})
	p.solve(t)
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			p.reset(t, c)
			before, was := p.current(t)
			changing := func(n int) {
				if n == 1 {
					if err := c.apply(p.dir); err != nil {
						t.Error(err)
					}
				}
			}
			res := p.solveGated(t, changing)
			if want := map[bool]int{false: 0, true: 2}[c.refused]; res.code != want {
				t.Fatalf("exit code %d:\n%s", res.code, res.stderr)
			}
			if exists(t, before) {
				p.wantSource(t, before, was)
			}
			if c.refused {
				return
			}
			after, is := p.current(t)
			if c.path == "" {
				if !exists(t, before) {
					t.Error("what was planned could be built, and was not")
				}
				p.solve(t)
			} else if !strings.Contains(res.stderr, "NOTE: "+c.path) || !strings.Contains(res.stderr, " changed after it was hashed: ") {
				t.Errorf("want a note that names %s in:\n%s", c.path, res.stderr)
			} else if exists(t, before) {
				t.Error("an image of what is gone was published")
			}
			p.wantSource(t, after, is)
		})
	}
}

// solveGated runs solve on the shared builder, and calls opened after each planning, with the number of the planning.
func (p *edited) solveGated(t *testing.T, opened func(n int)) result {
	t.Helper()
	gate := must(testenv.NewGate(filepath.Join(t.TempDir(), "gate"), env.builder, opened))(t)
	defer gate.Close()
	cmd := start(t, p.dir, p.args("solve", "--progress", "plain", "--addr", gate.Addr)...)
	return finish(t, cmd)
}

// TestConstantChanges checks that solve gives up and publishes nothing if a file changes after every plan.
func TestConstantChanges(t *testing.T) {
	t.Parallel()
	p := &edited{project: small(t)}
	p.reset(t, change{})
	p.solve(t)
	p.reset(t, change{})
	var planned atomic.Int64
	var tags []string
	res := p.solveGated(t, func(n int) {
		planned.Store(int64(n))
		tags = append(tags, p.plan(t).Images.Source)
		write(t, p.dir, "server.js", fmt.Sprintf("console.log('attempt %d')\n", n))
	})
	want := "server.js changed after it was hashed: its content is different; a file changed during each of 3 attempts: " +
		"stop the program that writes to the project, or add the file to ignore"
	if res.code != 2 || res.errorLine() != want || planned.Load() != 3 {
		t.Errorf("exit code %d after %d plans: %s", res.code, planned.Load(), res.stderr)
	}
	for _, tag := range tags {
		if exists(t, tag) {
			t.Errorf("%s was published", tag)
		}
	}
}

// TestTransferByContent checks that an edit with the same size and time reaches the builder, and that a new time stamp alone sends
// nothing.
func TestTransferByContent(t *testing.T) {
	t.Parallel()
	p := &edited{project: small(t)}
	p.reset(t, change{})
	home := t.TempDir()
	solve := func(t *testing.T) result {
		t.Helper()
		cmd := start(t, p.dir, p.args("solve", "--progress", "plain", "--force-rebuild")...)
		cmd.Env = append(cmd.Env, "HOME="+home)
		res := finish(t, cmd)
		if res.code != 0 {
			t.Fatalf("exit code %d:\n%s", res.code, res.stderr)
		}
		return res
	}
	stamp := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, content := range []string{"console.log('one')\n", "console.log('two')\n"} {
		write(t, p.dir, "server.js", content)
		if err := os.Chtimes(filepath.Join(p.dir, "server.js"), stamp, stamp); err != nil {
			t.Fatal(err)
		}
		solve(t)
		tag, files := p.current(t)
		p.wantSource(t, tag, files)
	}
	t.Run("lock file", func(t *testing.T) {
		for _, version := range []string{"7", "6"} {
			integrity := map[string]string{"7": isNumber7, "6": isNumber6}[version]
			write(t, p.dir, "package.json", `{"name":"small","version":"1.0.0","dependencies":{"is-number":"`+version+`.0.0"}}`)
			write(t, p.dir, "package-lock.json", lockOf(version+".0.0", integrity))
			for _, file := range []string{"package.json", "package-lock.json"} {
				if err := os.Chtimes(filepath.Join(p.dir, file), stamp, stamp); err != nil {
					t.Fatal(err)
				}
			}
			solve(t)
		}
		deps := tree(t, p.plan(t).Images.Lock)
		lock := must(os.ReadFile(filepath.Join(p.dir, "package-lock.json")))(t)
		if got := deps["/agent/code/package-lock.json"].Digest; got != digest.FromBytes(lock) {
			t.Errorf("the deps image holds another lock file, %s", got)
		}
	})
	t.Run("touched", func(t *testing.T) {
		write(t, p.dir, "large.bin", strings.Repeat("x", 5_000_000))
		solve(t)
		now := time.Now()
		if err := os.Chtimes(filepath.Join(p.dir, "large.bin"), now, now); err != nil {
			t.Fatal(err)
		}
		if res := solve(t); strings.Contains(res.stderr, "transferring source: 5.0") || !strings.Contains(res.stderr, "transferring source") {
			t.Errorf("a file that was only touched was sent again:\n%s", res.stderr)
		}
	})
}

// TestFrontendLockFilesMatchTag checks that the deps image contains the lock file of its tag. docker buildx sends the files' own
// time stamps, so the builder does not notice an edit with the same size and time.
func TestFrontendLockFilesMatchTag(t *testing.T) {
	t.Parallel()
	p := withDependencies(t)
	stamp := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, version := range []string{"1.0.1", "1.0.2"} {
		lock := fmt.Sprintf(`{"name":"x","version":%q,"lockfileVersion":3,"packages":{}}`, version)
		write(t, p.dir, "package-lock.json", lock)
		if err := os.Chtimes(filepath.Join(p.dir, "package-lock.json"), stamp, stamp); err != nil {
			t.Fatal(err)
		}
		if got := p.probed(t, "--target", "deps")["/agent/code/package-lock.json"]; got != lock {
			t.Errorf("the deps image of %s holds %s", version, got)
		}
	}
}

// TestFrontendManifestMatchesTag checks that no tag of a new version contains the old package.json. One transfer of package.json
// gives the version, another one the image's file, and that one may miss an edit with the same size and time. The builder compares
// with its last copy only while no earlier build holds that copy, so both outcomes are right: the error, and the new file.
// TestCheckRead in internal/frontend holds the error alone.
func TestFrontendManifestMatchesTag(t *testing.T) {
	t.Parallel()
	p := withDependencies(t)
	edit(t, filepath.Join(p.dir, "runtime.yaml"), "version: 1.0.0\n", "")
	stamp := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	manifest := func(version string) string { return fmt.Sprintf(`{"name":"x","version":%q}`, version) }
	release := func(version string, at time.Time) result {
		t.Helper()
		write(t, p.dir, "package.json", manifest(version))
		if err := os.Chtimes(filepath.Join(p.dir, "package.json"), at, at); err != nil {
			t.Fatal(err)
		}
		return buildx(t, p.dir, p.buildArgs("--push", "-t", p.repository+":"+version)...)
	}
	wantManifest := func(version string) {
		t.Helper()
		if got := added(t, p.repository+":"+version)["/agent/code/package.json"]; got != manifest(version) {
			t.Errorf("the image of %s contains %s", version, got)
		}
	}
	succeeds(t, release("1.0.1", stamp))
	wantManifest("1.0.1")
	res := release("1.0.2", stamp)
	switch want := "package.json came to the builder with two contents"; {
	case res.code == 0:
		wantManifest("1.0.2")
	case !strings.Contains(res.stderr, want):
		t.Errorf("exit code %d, want an error with %q:\n%s", res.code, want, res.stderr)
	}
	succeeds(t, release("1.0.2", stamp.Add(time.Second))) // follows the error's advice
	wantManifest("1.0.2")
}

// TestToolChangedInTheCache changes a downloaded tool in the client's cache after the plan. The image must have the tool of the
// checksum. A change during the transfer ends it, as for the source (cmd/client, TestFetchWithoutChecksum).
func TestToolChangedInTheCache(t *testing.T) {
	t.Parallel()
	tool := "#!/bin/sh\necho a tool\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tool) }))
	t.Cleanup(server.Close)
	sum := digest.FromString(tool).Encoded()
	p := probe(t, fmt.Sprintf("tools: [{name: tool, version: \"1\", url: %q, sha256: {amd64: %s, arm64: %s}, to: bin}]", server.URL+"/tool", sum, sum))
	cache, authority := t.TempDir(), newAuthority(t, "any").File // with one, the client downloads tools itself
	file := filepath.Join(cache, "rtbuild", "downloads", sum, "tool")
	for _, evil := range []string{"", "#!/bin/sh\necho a evil\n", "short"} {
		gate := must(testenv.NewGate(filepath.Join(t.TempDir(), "gate"), env.builder, func(int) {
			if evil == "" {
				return // the first solve fills the cache
			}
			if err := os.WriteFile(file, []byte(evil), 0o600); err != nil {
				t.Error(err)
			}
		}))(t)
		cmd := start(t, p.dir, "solve", "--progress", "plain", "--repository", p.repository, "--ca-file", authority, "--force-rebuild", "--no-cache", "--addr", gate.Addr)
		cmd.Env = append(cmd.Env, "XDG_CACHE_HOME="+cache)
		res := finish(t, cmd)
		gate.Close()
		if res.code != 0 {
			t.Fatalf("exit code %d:\n%s", res.code, res.stderr)
		}
		if got := added(t, strings.TrimSpace(res.stdout))["/agent/bin/tool"]; got != tool {
			t.Errorf("the image's tool is %q", got)
		}
	}
}
