package options_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/pflag"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// told writes values with spaces between.
func told(values ...any) string {
	var all []string
	for _, v := range values {
		all = append(all, fmt.Sprint(v))
	}
	return strings.Join(all, " ")
}

// parse gives a set the flags of a command.
func parse(command string, into options.Set, args ...string) error {
	set := pflag.NewFlagSet(command, pflag.ContinueOnError)
	flags.Add(set, command, into)
	return flags.Error(set.Parse(args))
}

func formatted(all []ocispecs.Platform) string {
	var names []string
	for _, p := range all {
		names = append(names, platforms.Format(p))
	}
	return strings.Join(names, " ")
}

// TestTag: names are those of docker build -t.
func TestTag(t *testing.T) {
	for _, tt := range []struct{ given, want, err string }{
		{given: "agent", want: "docker.io/library/agent:latest"},
		{given: "e.com:5000/team/agent:1", want: "e.com:5000/team/agent:1"},
		{given: "Agent", err: `invalid --tag "Agent"`},
		{given: "a@sha256:" + strings.Repeat("0", 64), err: "a digest cannot be chosen"},
	} {
		t.Run(tt.given, func(t *testing.T) {
			var o options.Outputs
			if projecttest.WantError(t, parse("solve", &o, "-t", tt.given), tt.err) {
				return
			}
			if got := told(o.Tags); got != "["+tt.want+"]" {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestPlatforms(t *testing.T) {
	here := platforms.Format(options.Local())
	for _, tt := range []struct {
		name      string
		given     []string
		want, err string
	}{
		{name: "not given"},
		{name: "local", given: []string{"--platform", "Local"}, want: here},
		{name: "commas and repetition", given: []string{"--platform", "linux/s390x,linux/arm64", "--platform", "linux/arm/v7"}, want: "linux/s390x linux/arm64 linux/arm/v7"},
		{name: "twice", given: []string{"--platform", "linux/arm64,linux/arm64/v8"}, want: "linux/arm64"},
		{name: "empty", given: []string{"--platform", "linux/amd64,"}, err: `invalid --platform "": must be OS/ARCH`},
		{name: "nonsense", given: []string{"--platform", "linux/a/b/c"}, err: `invalid --platform "linux/a/b/c"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r options.Runtime
			if !projecttest.WantError(t, parse("plan", &r, tt.given...), tt.err) && formatted(r.Platforms) != tt.want {
				t.Errorf("got %q, want %q", formatted(r.Platforms), tt.want)
			}
		})
	}
}

func TestOnePlatform(t *testing.T) {
	for _, tt := range []struct{ given, want, err string }{
		{given: ""},
		{given: "linux/arm64/v8", want: "linux/arm64"},
		{given: "linux/arm64,linux/amd64", err: `invalid --platform "linux/arm64,linux/amd64": must be one platform`},
		{given: "a/b/c/d", err: `invalid --platform "a/b/c/d"`},
	} {
		t.Run(tt.given, func(t *testing.T) {
			var d options.Diff
			if projecttest.WantError(t, parse("diff", &d, "--platform", tt.given), tt.err) {
				return
			}
			var all []ocispecs.Platform
			if d.Platform != nil {
				all = append(all, *d.Platform)
			}
			if formatted(all) != tt.want {
				t.Errorf("got %q, want %q", formatted(all), tt.want)
			}
		})
	}
}

func TestBaseImages(t *testing.T) {
	var r options.Runtime
	if err := parse("tags", &r, "--base-image", "a", "--base-image", "b"); err != nil || told(r.BaseImages) != "[a b]" || r.BaseImage() != "b" {
		t.Errorf("got %v, %q, error %v", r.BaseImages, r.BaseImage(), err)
	}
	if r = (options.Runtime{}); r.BaseImage() != "" {
		t.Errorf("got %q", r.BaseImage())
	}
}

func TestBrowser(t *testing.T) {
	for _, tt := range []struct {
		given string
		want  bool
	}{
		{"", false}, {"--no-browser", true}, {"--no-enable-browser", true}, {"--enable-browser=false", true},
		{"--no-browser --enable-browser", false}, {"--enable-browser --no-enable-browser", true}, {"--no-enable-browser=false", false},
	} {
		var r options.Runtime
		set := pflag.NewFlagSet("prepare", pflag.ContinueOnError)
		flags.Add(set, "prepare", &r, &options.Prepare{NoBrowser: &r.NoBrowser})
		if err := set.Parse(strings.Fields(tt.given)); err != nil || r.NoBrowser != tt.want {
			t.Errorf("%s: got %t, want %t, error %v", tt.given, r.NoBrowser, tt.want, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	var e options.Environment
	if _, err := options.ReadArguments(map[string]string{"SOURCE_DATE_EPOCH": "1600000000"}, options.BuildArgFlag, &e); err != nil || e.Epoch.Unix() != 1600000000 || e.Proxies() != nil {
		t.Errorf("got %v, proxies %v, error %v", e.Epoch, e.Proxies(), err)
	}
	if _, err := options.ReadArguments(map[string]string{"all_proxy": "x"}, options.BuildArgFlag, &e); err != nil || *e.Proxies() != (llb.ProxyEnv{AllProxy: "x"}) {
		t.Errorf("got %v, error %v", e.Proxies(), err)
	}
	_, err := options.ReadArguments(map[string]string{"SOURCE_DATE_EPOCH": "1.5"}, options.Variables, &e)
	projecttest.WantError(t, err, `invalid environment variable SOURCE_DATE_EPOCH "1.5": must be a number of seconds since 1970`)
}

func TestAttestations(t *testing.T) {
	for _, tt := range []struct {
		name  string
		given []string
		want  map[string]string
		err   string
	}{
		{name: "none by default", want: map[string]string{}},
		{name: "short", given: []string{"--sbom=true", "--provenance=mode=max,inline-only=true"},
			want: map[string]string{"attest:sbom": "", "attest:provenance": "mode=max,inline-only=true"}},
		{name: "long", given: []string{`--attest=type=sbom,generator=a/b:c,"EXCLUDE=x,y"`},
			want: map[string]string{"attest:sbom": `generator=a/b:c,"EXCLUDE=x,y"`}},
		{name: "quotes in a field", given: []string{`--attest=type=sbom,"A=x""y"`}, want: map[string]string{"attest:sbom": `"A=x""y"`}},
		{name: "the last counts", given: []string{"--attest=type=provenance,mode=min", "--provenance=false"}, want: map[string]string{}},
		{name: "short counts more", given: []string{"--provenance=mode=max", "--attest=type=provenance,mode=min"},
			want: map[string]string{"attest:provenance": "mode=max"}},
		{name: "the last of the short ones", given: []string{"--sbom=true", "--sbom="}, want: map[string]string{}},
		{name: "disabled", given: []string{"--attest=type=sbom,disabled=true", "--attest=type=provenance,disabled=false"},
			want: map[string]string{"attest:provenance": ""}},
		{name: "no type", given: []string{"--attest=mode=max"}, err: `invalid --attest "mode=max": type= must be sbom or provenance`},
		{name: "no value", given: []string{"--sbom=maybe"}, err: `invalid --sbom "maybe": must be true, false or generator=IMAGE`},
		{name: "no mode", given: []string{"--provenance=max"}, err: `invalid --provenance "max": must be true, false, mode=min or mode=max`},
		{name: "half a value", given: []string{"--provenance=mode=max,x"}, err: `invalid --provenance "mode=max,x": "x" must be KEY=VALUE`},
		{name: "a word", given: []string{"--attest=sbom"}, err: `invalid --attest "sbom": "sbom" must be KEY=VALUE, as in type=sbom or type=provenance,mode=max`},
		{name: "half disabled", given: []string{"--attest=type=sbom,disabled=half"}, err: `disabled= must be true or false, not "half"`},
		{name: "quotes", given: []string{`--attest=type="sbom`}, err: "invalid --attest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var a options.Attestations
			if projecttest.WantError(t, parse("solve", &a, tt.given...), tt.err) {
				return
			}
			if diff := cmp.Diff(tt.want, a.Attrs()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPairs shows that only a build argument without a value is the environment's, as with buildx. A label would publish it.
func TestPairs(t *testing.T) {
	t.Setenv("FROM_HERE", "there")
	os.Unsetenv("NOT_HERE")
	var b options.Build
	if err := parse("solve", &b, "--label=FROM_HERE", "--label=a=", "--label=b=c=d", "--build-arg=FROM_HERE", "--build-arg=NOT_HERE", "--build-arg=a=1", "--build-arg=a=2"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"FROM_HERE": "", "a": "", "b": "c=d"}, options.Pairs(b.Labels, nil)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"FROM_HERE": "there", "a": "2"}, options.Pairs(b.Args, os.LookupEnv)); diff != "" {
		t.Error(diff)
	}
}

func TestAnnotations(t *testing.T) {
	arm64 := ocispecs.Platform{OS: "linux", Architecture: "arm64"}
	for _, tt := range []struct {
		name  string
		given []string
		want  string // the key of an export, = and the value; m: of the manifest, i: needs an index, -: not for arm64
		err   string
	}{
		{name: "of the manifest", given: []string{"a=b", "manifest:c=d=e"}, want: "annotation-manifest.a=b,m annotation-manifest.c=d=e,m"},
		{name: "of all", given: []string{"index,manifest-descriptor,index-descriptor:a=b"},
			want: "annotation-index.a=b,i annotation-manifest-descriptor.a=b annotation-index-descriptor.a=b,i"},
		{name: "of a platform", given: []string{"manifest[linux/amd64]:a=b", "manifest[linux/arm64/v8]:c=d"},
			want: "annotation-manifest[linux/amd64].a=b,m- annotation-manifest[linux/arm64].c=d,m"},
		{name: "a key alone", given: []string{"FROM_HERE"}, err: `invalid --annotation "FROM_HERE": must be [LEVEL:]KEY=VALUE`},
		{name: "no key", given: []string{"index:=x"}, err: "must be [LEVEL:]KEY=VALUE"},
		{name: "no level", given: []string{"layer:a=b"}, err: `level "layer" must be manifest, manifest-descriptor, index or index-descriptor`},
		{name: "no platform", given: []string{"manifest[a/b/c/d]:a=b"}, err: `invalid --annotation "manifest[a/b/c/d]:a=b"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var (
				b    options.Build
				args []string
			)
			for _, one := range tt.given {
				args = append(args, "--annotation", one)
			}
			if projecttest.WantError(t, parse("solve", &b, args...), tt.err) {
				return
			}
			var got []string
			for _, a := range b.Annotations {
				kind := ""
				if a.IsManifest() {
					kind += ",m"
				}
				if a.NeedsIndex() {
					kind += ",i"
				}
				if !a.IsFor(arm64) {
					kind += "-"
				}
				got = append(got, a.String()+"="+a.Value+kind)
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

func TestSteps(t *testing.T) {
	for _, tt := range []struct {
		name  string
		given []string
		want  options.Steps
		again string // stages that run again
		err   string
	}{
		{name: "defaults"},
		{name: "hosts", given: []string{"--add-host=a:1.2.3.4", "--add-host=b:[::1]"},
			want: options.Steps{ExtraHosts: []llb.HostIP{{Host: "a", IP: []byte{10: 255, 11: 255, 12: 1, 13: 2, 14: 3, 15: 4}}, {Host: "b", IP: []byte{15: 1}}}}},
		{name: "network", given: []string{"--network=host"}, want: options.Steps{Network: llb.NetModeHost}},
		{name: "memory", given: []string{"--shm-size=128m"}, want: options.Steps{ShmSize: 128 << 20}},
		{name: "no memory", given: []string{"--shm-size="}},
		{name: "limits", given: []string{"--ulimit=nofile=1024:2048", "--ulimit=nproc=3"},
			want: options.Steps{Ulimits: []*pb.Ulimit{{Name: "nofile", Soft: 1024, Hard: 2048}, {Name: "nproc", Soft: 3, Hard: 3}}}},
		{name: "without a cache", given: []string{"--no-cache"}, want: options.Steps{NoCache: true}, again: "system tools deps extra"},
		{name: "partly without a cache", given: []string{"--no-cache-filter=deps,system", "--no-cache-filter=extra"},
			want: options.Steps{NoCacheFilter: []string{"deps", "system", "extra"}}, again: "system deps extra"},
		{name: "no network", given: []string{"--network=bridge"}, err: `invalid --network "bridge": must be default, host or none`},
		{name: "no size", given: []string{"--shm-size=big"}, err: `invalid --shm-size "big": must be a number of bytes`},
		{name: "no memory at all", given: []string{"--shm-size=0"}, err: `invalid --shm-size "0"`},
		{name: "no limit", given: []string{"--ulimit=files=1"}, err: `invalid --ulimit "files=1": must be NAME=SOFT[:HARD]`},
		{name: "no pair", given: []string{"--ulimit=foo"}, err: `invalid --ulimit "foo": must be NAME=SOFT[:HARD]: NAME is one of ulimit's, such as nofile, and SOFT is at most HARD`},
		{name: "no stage", given: []string{"--no-cache-filter=deps,base"}, err: `invalid --no-cache-filter "base": must be system, tools, deps, build, extra or test`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s options.Steps
			if projecttest.WantError(t, parse("solve", &s, tt.given...), tt.err) {
				return
			}
			if told(s.ExtraHosts, s.Network, s.ShmSize, s.Ulimits, s.NoCache, s.NoCacheFilter) !=
				told(tt.want.ExtraHosts, tt.want.Network, tt.want.ShmSize, tt.want.Ulimits, tt.want.NoCache, tt.want.NoCacheFilter) {
				t.Errorf("got %+v, want %+v", s, tt.want)
			}
			var again []string
			for _, stage := range []string{"system", "tools", "deps", "extra"} {
				if s.Uncached(stage) {
					again = append(again, stage)
				}
			}
			if strings.Join(again, " ") != tt.again {
				t.Errorf("%v run again, want %s", again, tt.again)
			}
		})
	}
}

// TestAddHost has the forms that docker buildx takes.
func TestAddHost(t *testing.T) {
	const wrong = ": must be HOST:IP"
	for _, tt := range []struct {
		given string
		want  string // HOST IP
		err   string
	}{
		{given: "a:1.2.3.4", want: "a 1.2.3.4"},
		{given: "a=1.2.3.4", want: "a 1.2.3.4"},
		{given: "a=[1.2.3.4]", want: "a 1.2.3.4"},
		{given: "a:::1", want: "a ::1"},
		{given: "a=::1", want: "a ::1"},
		{given: "a:[::1]", want: "a ::1"},
		{given: "a=[::1]", want: "a ::1"},
		{given: "a=2001:db8::7", want: "a 2001:db8::7"},
		{given: "a=[2001:db8::7]", want: "a 2001:db8::7"},
		{given: "a:2001:db8::7", want: "a 2001:db8::7"},
		{given: "a=::ffff:1.2.3.4", want: "a 1.2.3.4"},
		{given: "a=1.2.3.4,[::1]", want: "a 1.2.3.4 a ::1"},
		{given: "a", err: wrong},
		{given: "a:b", err: wrong},
		{given: "a=", err: wrong},
		{given: "=1.2.3.4", err: wrong},
		{given: ":1.2.3.4", err: wrong},
		{given: "a:80=1.2.3.4", err: wrong},
		{given: "::1=a", err: wrong},
		{given: "a=[]", err: wrong},
		{given: "a=[::1", err: wrong},
		{given: "a=1.2.3.4,", err: wrong},
		{given: "a=fe80::1%eth0", err: wrong},
		{given: "a=host-gateway", err: wrong + "; give the address that host-gateway stands for"},
	} {
		t.Run(tt.given, func(t *testing.T) {
			if tt.err != "" {
				tt.err = fmt.Sprintf("invalid --add-host %q%s", tt.given, tt.err)
			}
			var s options.Steps
			if projecttest.WantError(t, parse("solve", &s, "--add-host="+tt.given), tt.err) {
				return
			}
			var got []any
			for _, host := range s.ExtraHosts {
				got = append(got, host.Host, host.IP)
			}
			if text := told(got...); text != tt.want {
				t.Errorf("got %s, want %s", text, tt.want)
			}
		})
	}
}

// TestRunOptions looks at the step that the options make.
func TestRunOptions(t *testing.T) {
	var s options.Steps
	if err := parse("solve", &s, "--add-host=a:1.2.3.4", "--network=none", "--shm-size=1k", "--ulimit=nproc=3", "--cgroup-parent=/x"); err != nil {
		t.Fatal(err)
	}
	def, err := llb.Scratch().Run(append(s.RunOptions(), llb.Args([]string{"true"}))...).Marshal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var op pb.Op
	if err := op.UnmarshalVT(def.Def[0]); err != nil {
		t.Fatal(err)
	}
	exec := op.GetExec()
	got := told(exec.Network, exec.Meta.ExtraHosts, exec.Meta.Ulimit, exec.Meta.CgroupParent, exec.Mounts[1].Dest, exec.Mounts[1].TmpfsOpt.Size)
	if want := told(pb.NetMode_NONE, []*pb.HostIP{{Host: "a", IP: "1.2.3.4"}}, []*pb.Ulimit{{Name: "nproc", Soft: 3, Hard: 3}}, "/x", "/dev/shm", 1024); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
