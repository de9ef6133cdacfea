package buildflags

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/pflag"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// clean keeps the user's environment out of a test.
func clean(t *testing.T) {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", "")
	for _, o := range (&options.Environment{}).Group().Options {
		for _, name := range []string{o.Arg, strings.ToLower(o.Arg)} {
			t.Setenv(name, "")
		}
	}
}

// sshKey returns the file of a new key.
func sshKey(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	projecttest.Must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	projecttest.Must(t, err)
	file := filepath.Join(t.TempDir(), "key")
	projecttest.Must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return file
}

// read reads flags of solve. It gives what was warned of, too.
func read(t *testing.T, args ...string) (*Settings, string, error) {
	t.Helper()
	var o Options
	set := pflag.NewFlagSet("solve", pflag.ContinueOnError)
	flags.Add(set, "solve", o.Sets()...)
	if err := set.Parse(args); err != nil {
		return nil, "", flags.Error(err)
	}
	var warned []string
	f, err := Read(&o, []string{"COMMIT"}, "", func(message string) { warned = append(warned, message) })
	return f, strings.Join(warned, "\n"), err
}

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name, warning, err string
		args               []string
	}{
		{name: "nothing"},
		{name: "labels", args: []string{"--label=a=b", "--annotation=c=d"}},
		{name: "label of ours", args: []string{"--label=io.rtbuild.x=b"}, err: "label io.rtbuild.x is rtbuild's own"},
		{name: "annotation of ours", args: []string{"--annotation=index:io.rtbuild.x=b"}, err: "annotation io.rtbuild.x is rtbuild's own"},
		{name: "secret", args: []string{"--secret=id=npmrc,src=/nowhere"}, err: "invalid --secret: "},
		{name: "secret without an id", args: []string{"--secret=src=/dev/null"}, err: "invalid --secret: "},
		{name: "ssh", args: []string{"--ssh=default=/nowhere"},
			err: `invalid --ssh "default=/nowhere": stat /nowhere: no such file or directory; start an agent (SSH_AUTH_SOCK), or name a socket or key: default=FILE`},
		{name: "ssh without an agent", args: []string{"--ssh=default"}, err: `invalid --ssh "default": make sure SSH_AUTH_SOCK is set; start an agent`},
		{name: "the second of two", args: []string{"--ssh=a=" + sshKey(t), "--ssh=b=/nowhere"}, err: `invalid --ssh "b=/nowhere": stat /nowhere: no such file or directory; start`},
		{name: "ssh twice", args: []string{"--ssh=a=" + sshKey(t), "--ssh=a=" + sshKey(t)}, err: `duplicate agent ID "a"`},
		{name: "attestation", args: []string{"--provenance=mode=x"}, err: "invalid provenance"},
		{name: "build argument", args: []string{"--build-arg=X=1", "--build-arg=A=2", "--build-arg=COMMIT=3"},
			warning: "--build-arg A is not used: only proxies, SOURCE_DATE_EPOCH and the names that runtime.yaml lists below args are\n" +
				"--build-arg X is not used: only proxies, SOURCE_DATE_EPOCH and the names that runtime.yaml lists below args are"},
		{name: "time", args: []string{"--build-arg=SOURCE_DATE_EPOCH=now"}, err: `invalid --build-arg SOURCE_DATE_EPOCH "now": must be a number`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			_, warned, err := read(t, tt.args...)
			if !projecttest.WantError(t, err, tt.err) && warned != tt.warning {
				t.Errorf("got the warning %q, want %q", warned, tt.warning)
			}
		})
	}
}

// TestEnvironment shows which of build arguments and variables counts.
func TestEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		env  map[string]string
		want llb.ProxyEnv
		time int64
		err  string
	}{
		{name: "nothing"},
		{name: "variables", env: map[string]string{"HTTP_PROXY": "a", "no_proxy": "b", "SOURCE_DATE_EPOCH": "1"}, want: llb.ProxyEnv{HTTPProxy: "a", NoProxy: "b"}, time: 1},
		{name: "arguments first", args: []string{"http_proxy=c", "SOURCE_DATE_EPOCH=2"}, env: map[string]string{"HTTP_PROXY": "a", "SOURCE_DATE_EPOCH": "no time"},
			want: llb.ProxyEnv{HTTPProxy: "c"}, time: 2},
		{name: "empty is none", args: []string{"HTTP_PROXY="}, env: map[string]string{"HTTP_PROXY": "a"}, want: llb.ProxyEnv{HTTPProxy: "a"}},
		{name: "the name alone", args: []string{"ALL_PROXY", "NO_PROXY"}, env: map[string]string{"ALL_PROXY": "a"}, want: llb.ProxyEnv{AllProxy: "a"}},
		{name: "variable", env: map[string]string{"SOURCE_DATE_EPOCH": "now"}, err: `invalid environment variable SOURCE_DATE_EPOCH "now": must be a number`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			var args []string
			for _, arg := range tt.args {
				args = append(args, "--build-arg", arg)
			}
			f, _, err := read(t, args...)
			if projecttest.WantError(t, err, tt.err) {
				return
			}
			var proxy llb.ProxyEnv
			if f.Common.Proxy != nil {
				proxy = *f.Common.Proxy
			}
			if proxy != tt.want || (f.Common.Epoch == nil) != (tt.time == 0) || tt.time != 0 && f.Common.Epoch.Unix() != tt.time {
				t.Errorf("got %+v, time %v", proxy, f.Common.Epoch)
			}
		})
	}
}

func TestCaches(t *testing.T) {
	clean(t)
	f, _, err := read(t, "--cache-from=a/b,c/d", "--cache-from=type=local,src=d", "--cache-to=a/b",
		"--cache-to=type=local,dest=d", "--cache-to=type=registry,ref=e/f,mode=max", "--cache-to=type=inline")
	if err != nil {
		t.Fatal(err)
	}
	registry := func(ref string) client.CacheOptionsEntry {
		return client.CacheOptionsEntry{Type: "registry", Attrs: map[string]string{"ref": ref}}
	}
	imports := []client.CacheOptionsEntry{registry("a/b"), registry("c/d"), {Type: "local", Attrs: map[string]string{"src": "d"}}}
	mode := map[string]string{"mode": "min"}
	local := client.CacheOptionsEntry{Type: "local", Attrs: map[string]string{"dest": "d", "mode": "min"}}
	exports := []client.CacheOptionsEntry{registry("a/b"), registry("e/f"), {Type: "inline", Attrs: mode}, local} // the local one is last
	exports[0].Attrs["mode"], exports[1].Attrs["mode"] = "min", "max"
	if diff := cmp.Diff([][]client.CacheOptionsEntry{imports, exports}, [][]client.CacheOptionsEntry{f.CacheImports, f.CacheExports}); diff != "" {
		t.Error(diff)
	}
}

// TestRequest looks at the rest of what decides a request.
func TestRequest(t *testing.T) {
	clean(t)
	f, _, err := read(t, "--label=a", "--no-cache-filter=deps", "--network=host", "--cache-namespace=n", "--sbom=true", "--retries=1")
	if err != nil {
		t.Fatal(err)
	}
	r := f.Common
	if a, ok := r.Labels["a"]; !ok || a != "" || !r.NoCache("deps") || r.NoCache("system") || r.CacheNamespace != "n" || len(r.Steps) != 1 {
		t.Errorf("got %+v", r)
	}
	if diff := cmp.Diff([]string{"network.host"}, f.Entitlements); diff != "" {
		t.Error(diff)
	}
	if _, ok := f.Attests["attest:sbom"]; !ok || len(f.Attests) != 1 {
		t.Errorf("got the attestations %v", f.Attests)
	}
}

func TestAnnotations(t *testing.T) {
	amd64, arm64 := ocispecs.Platform{OS: "linux", Architecture: "amd64"}, ocispecs.Platform{OS: "linux", Architecture: "arm64"}
	for _, tt := range []struct {
		name            string
		args            []string
		manifest, other map[string]string // for arm64
		err             string            // for arm64 alone
		both            string            // the error for both platforms
	}{
		{name: "of the manifest", args: []string{"--annotation=a=b", "--annotation=manifest:c=d=e"}, manifest: map[string]string{"a": "b", "c": "d=e"}},
		{name: "of all", args: []string{"--annotation=index,manifest-descriptor,index-descriptor:a=b"}, err: "--annotation index:a cannot be set", other: map[string]string{
			"annotation-index.a": "b", "annotation-manifest-descriptor.a": "b", "annotation-index-descriptor.a": "b",
		}},
		{name: "of an index, by an attestation", args: []string{"--annotation=index:a=b", "--sbom=true"}, other: map[string]string{"annotation-index.a": "b"}},
		{name: "of a platform", args: []string{"--annotation=manifest[linux/amd64]:a=b", "--annotation=manifest[linux/arm64/v8]:c=d"},
			manifest: map[string]string{"c": "d"}, err: "--annotation a cannot be set: linux/amd64 is not built"},
		{name: "of another", args: []string{"--annotation=manifest[linux/s390x]:a=b"}, err: "linux/s390x is not built", both: "linux/s390x is not built"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			f, _, err := read(t, tt.args...)
			if err != nil {
				t.Fatal(err)
			}
			projecttest.WantError(t, f.CheckAnnotations([]ocispecs.Platform{arm64}), tt.err)
			projecttest.WantError(t, f.CheckAnnotations([]ocispecs.Platform{amd64, arm64}), tt.both)
			got := []map[string]string{f.Annotations(arm64), f.ExportAnnotations}
			for i, want := range []map[string]string{tt.manifest, tt.other} {
				if len(got[i])+len(want) > 0 && !cmp.Equal(got[i], want) {
					t.Errorf("got %v, want %v", got[i], want)
				}
			}
		})
	}
}

func TestExports(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name    string
		o       options.Outputs
		stored  bool // in an engine's store
		several bool // platforms
		attests bool
		names   string // kinds and names
		tags    string // in the repository
		unused  string // names that nothing gets
		publish bool
		err     string
	}{
		{name: "none", publish: true},
		{name: "names", o: options.Outputs{Tags: []string{"docker.io/library/r:1", "e.com/r:1", "e.com/r:2"}}, tags: "docker.io/library/r:1",
			names: "image e.com/r:1,e.com/r:2", publish: true},
		{name: "names of an archive", o: options.Outputs{Tags: []string{"a:1"}, Outputs: []string{"type=oci,dest=" + filepath.Join(dir, "a.tar")}}, names: "oci r:source,a:1"},
		{name: "an archive", o: options.Outputs{Outputs: []string{"type=oci,dest=" + filepath.Join(dir, "a.tar")}}, names: "oci r:source"},
		{name: "and publish", o: options.Outputs{Outputs: []string{"type=image,name=x"}, Push: true}, names: "image x", publish: true},
		{name: "pushing is publishing", o: options.Outputs{Outputs: []string{"type=registry"}}, publish: true},
		{name: "not under another name", o: options.Outputs{Outputs: []string{"type=registry,name=x"}}, names: "image x"},
		{name: "a directory", o: options.Outputs{Outputs: []string{dir}}, names: "local "},
		{name: "nonsense", o: options.Outputs{Outputs: []string{"type=x"}}, err: `invalid --output "type=x": type= must be`},
		{name: "a star", o: options.Outputs{Outputs: []string{"type=image,name=*"}}, attests: true, err: "name=* does not work with attestations"},
		{name: "several platforms", o: options.Outputs{Outputs: []string{"type=docker,dest=" + filepath.Join(dir, "b.tar")}}, several: true, err: "hold one platform"},
		{name: "stored names", stored: true, o: options.Outputs{Tags: []string{"me/agent:dev", "r:1"}}, tags: "me/agent:dev r:1", publish: true},
		{name: "stored by --load", stored: true, o: options.Outputs{Load: true, Tags: []string{"me/agent:dev"}}, tags: "me/agent:dev", publish: true},
		{name: "stored by -o", stored: true, o: options.Outputs{Outputs: []string{"type=image"}, Tags: []string{"me/agent:dev"}}, tags: "me/agent:dev", publish: true},
		{name: "stored and an archive", stored: true, o: options.Outputs{Outputs: []string{"type=oci,dest=" + filepath.Join(dir, "a.tar")}, Tags: []string{"a:1"}}, names: "oci r:source,a:1"},
		{name: "stored, pushed by name", stored: true, o: options.Outputs{Outputs: []string{"type=registry,name=e.com/r:1"}}, names: "image e.com/r:1"},
		{name: "stored, --push", stored: true, o: options.Outputs{Push: true}, err: "--push: no repository to push to: give --repository HOST/PATH"},
		{name: "stored, type=registry", stored: true, o: options.Outputs{Outputs: []string{"type=registry"}}, err: "--output type=registry: no repository to push to"},
		{name: "stored, pushed and named elsewhere", stored: true, o: options.Outputs{Outputs: []string{"type=image,push=true"}, Tags: []string{"me/agent:dev"}},
			err: "--output type=image,push=true: no repository to push to"},
		{name: "a directory and a name", o: options.Outputs{Outputs: []string{dir}, Tags: []string{"a:1", "b:1"}}, names: "local ", unused: "a:1 b:1"},
		{name: "an image that has a name", o: options.Outputs{Outputs: []string{"type=image,name=x"}, Tags: []string{"a:1"}}, names: "image x", unused: "a:1"},
		{name: "stored, a directory and a name", stored: true, o: options.Outputs{Outputs: []string{dir}, Tags: []string{"a:1"}}, names: "local ", unused: "a:1"},
		{name: "compressions", o: options.Outputs{Outputs: []string{"type=image,name=x,compression=zstd"}, Push: true}, err: "cannot compress its layers both by"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			exports, err := ReadExports(t.Context(), &tt.o, options.Compression{}, Image{Ref: "r:source", Stored: tt.stored})
			if err == nil {
				err = exports.Check(tt.several, tt.attests)
			}
			if projecttest.WantError(t, err, tt.err) {
				return
			}
			var names []string
			for _, e := range exports.All {
				names = append(names, e.Kind()+" "+e.Attrs["name"])
			}
			if got := strings.Join(names, "; "); got != tt.names || exports.Publish != tt.publish || strings.Join(exports.Tags, " ") != tt.tags {
				t.Errorf("got %q, publish %t, tags %q", got, exports.Publish, exports.Tags)
			}
			if got := strings.Join(exports.Unused(tt.o.Tags), " "); got != tt.unused {
				t.Errorf("unused are %q", got)
			}
		})
	}
}

// TestCompression: one compression holds for all that a build exports and publishes.
func TestCompression(t *testing.T) {
	zstd3 := options.Compression{Type: "zstd", Level: "3"}
	oci := "type=oci,dest=" + filepath.Join(t.TempDir(), "a.tar")
	const conflict = "one build cannot compress its layers both by "
	for _, tt := range []struct {
		name      string
		given     options.Compression
		outputs   []string
		push      bool
		published string // empty: nothing is published
		exported  string
		err       string
	}{
		{name: "none", published: "gzip"},
		{name: "published", given: zstd3, published: "zstd 3"},
		{name: "exported", given: zstd3, outputs: []string{oci, "type=image,name=x"}, exported: "zstd 3, zstd 3"},
		{name: "both", given: zstd3, outputs: []string{oci}, push: true, published: "zstd 3", exported: "zstd 3"},
		{name: "a directory has no layers", given: zstd3, outputs: []string{t.TempDir()}, exported: "gzip"},
		{name: "said twice", given: zstd3, outputs: []string{oci + ",compression=zstd,compression-level=3"}, push: true, published: "zstd 3", exported: "zstd 3"},
		{name: "an attribute of what publishing replaces", outputs: []string{"type=registry,compression=zstd"}, published: "zstd"},
		{name: "an attribute of an archive", outputs: []string{oci + ",compression=zstd"}, exported: "zstd"},
		{name: "another one", given: zstd3, outputs: []string{oci + ",compression=gzip"}, err: conflict + "zstd 3 and by gzip"},
		{name: "another level", given: zstd3, outputs: []string{oci + ",compression=zstd"}, err: conflict + "zstd 3 and by zstd:"},
		{name: "gzip is given", given: options.Compression{Type: "gzip"}, outputs: []string{"type=registry,compression=zstd"}, err: conflict + "gzip and by zstd"},
		{name: "two that publishing replaces", outputs: []string{"type=registry,compression=zstd", "type=registry"}, err: conflict + "zstd and by gzip"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			exports, err := ReadExports(t.Context(), &options.Outputs{Outputs: tt.outputs, Push: tt.push}, tt.given, Image{Ref: "r:source"})
			if err == nil {
				err = exports.Check(false, false)
			}
			if projecttest.WantError(t, err, tt.err) {
				return
			}
			var exported []string
			for _, e := range exports.All {
				exported = append(exported, e.Compression().String())
			}
			if got := strings.Join(exported, ", "); got != tt.exported || exports.Publish != (tt.published != "") {
				t.Errorf("exports have %q, want %q; publish %t", got, tt.exported, exports.Publish)
			}
			if got := exports.Compression.String(); exports.Publish && got != tt.published {
				t.Errorf("published by %s, want %s", got, tt.published)
			}
		})
	}
}

// TestSecretFile shows that a secret is read when a step asks for it, and that its file must exist before.
func TestSecretFile(t *testing.T) {
	clean(t)
	file := filepath.Join(t.TempDir(), "npmrc")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, _, err := read(t, "--secret", "id=npmrc,src="+file)
	if err != nil || len(f.Session) != 1 {
		t.Errorf("got %d attachables, error %v", len(f.Session), err)
	}
}
