package frontend_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	bklint "github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/frontend/subrequests/outline"
	bktargets "github.com/moby/buildkit/frontend/subrequests/targets"

	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
)

// ask sends a subrequest and reads its answer.
func ask(t *testing.T, s *scene, name string, into any) *gateway.Result {
	t.Helper()
	res := s.set("requestid", name).must()
	if err := json.Unmarshal(res.Metadata["result.json"], into); err != nil {
		t.Fatal(err)
	}
	for _, solve := range s.Solves() {
		if solve.Evaluate {
			t.Errorf("%q is built", solve.Title())
		}
	}
	return res
}

// TestOutline: the outline tells what may be given, with what the file gives already and on which line. It reads no source.
func TestOutline(t *testing.T) {
	s := newScene(t).set("target", "deps", "build-arg:RUNTIME_VERSION", "9.9.9", "build-arg:PULL", "1")
	var got outline.Outline
	ask(t, s, outline.RequestSubrequestsOutline, &got)
	args := map[string]string{}
	for _, arg := range got.Args {
		line := 0
		if arg.Location != nil {
			line = int(arg.Location.Ranges[0].Start.Line)
		}
		args[arg.Name] = fmt.Sprintf("%s:%d", arg.Value, line)
	}
	for name, want := range map[string]string{
		"BASE_IMAGE": "debian:bookworm:1", "REPOSITORY": repository + ":3", "RUNTIME_VERSION": "9.9.9:1", "PROFILE": "node:1", "PULL": "1:0", "HTTP_PROXY": ":0",
	} {
		if args[name] != want {
			t.Errorf("%s is %q, want %q", name, args[name], want)
		}
	}
	if got.Name != "deps" || len(got.Secrets) == 0 || len(got.SSH) != 1 {
		t.Errorf("got %+v", got)
	}
	if _, hashed := s.Find("[source] hash the source tree"); hashed || s.Refs() != nil {
		t.Errorf("the source is hashed: %t; asked for %q", hashed, s.Refs())
	}
	if _, err := newScene(t).set("requestid", outline.RequestSubrequestsOutline, "target", "prod").build(); err == nil || !strings.Contains(err.Error(), `unknown target "prod"`) {
		t.Errorf("of an unknown target: %v", err)
	}
}

// TestTargetsAreListed: as buildx shows them, one of them the default.
func TestTargetsAreListed(t *testing.T) {
	var got bktargets.List
	ask(t, newScene(t), bktargets.RequestTargets, &got)
	var names, defaults []string
	for _, target := range got.Targets {
		names = append(names, target.Name)
		if target.Default {
			defaults = append(defaults, target.Name)
		}
	}
	if !slices.Equal(names, []string{"source", "deps", "build", "tools", "system", "extra", "test", "tags", "plan"}) || !slices.Equal(defaults, []string{"source"}) {
		t.Errorf("got %q, by default %q", names, defaults)
	}
}

// TestSubrequestsAreDescribed: the description names what is answered, the check among it.
func TestSubrequestsAreDescribed(t *testing.T) {
	var got []subrequests.Request
	ask(t, newScene(t), subrequests.RequestSubrequestsDescribe, &got)
	for i, want := range []string{outline.RequestSubrequestsOutline, bktargets.RequestTargets, bklint.RequestLint, subrequests.RequestSubrequestsDescribe} {
		if i >= len(got) || got[i].Name != want {
			t.Fatalf("got %+v", got)
		}
	}
	if _, err := newScene(t).set("requestid", "frontend.unknown").build(); err == nil {
		t.Error("an unknown subrequest is answered")
	}
}

// TestCheck: the findings of a check with their lines, those that are switched off, and what keeps a build from starting.
func TestCheck(t *testing.T) {
	const base = "UnpinnedBase runtime.yaml:1"
	skip := func(s *scene, line string) {
		s.put("runtime.yaml", line+"\nbase: debian:bookworm\nrepository: "+repository+"\n")
	}
	other := fakegateway.Image{Err: fakegateway.ErrOtherPlatform}
	tests := []struct {
		name   string
		change func(*scene)
		want   []string
		err    string // RULE:LINE of what keeps a build from starting
		status string
	}{
		{name: "an unpinned base", change: func(*scene) {}, want: []string{base}, status: "1"},
		{name: "nothing", change: func(s *scene) { s.put("runtime.yaml", "base: debian@sha256:"+strings.Repeat("a", 64)+"\n") }, status: "0"},
		{name: "a rule is switched off by a line", change: func(s *scene) { skip(s, "# check=skip=UnpinnedBase") }, status: "0"},
		{name: "all rules are switched off by a line", change: func(s *scene) { skip(s, "# check=skip=all") }, status: "0"},
		{name: "another rule is switched off", change: func(s *scene) { skip(s, "# check=skip=UnpinnedTool") }, want: []string{"UnpinnedBase runtime.yaml:2"}, status: "1"},
		{name: "a rule is switched off by an argument", change: func(s *scene) { s.set("build-arg:BUILDKIT_DOCKERFILE_CHECK", "skip=UnpinnedBase") }, status: "0"},
		{name: "the argument goes before the line", change: func(s *scene) {
			skip(s, "# check=skip=UnpinnedBase")
			s.set("build-arg:BUILDKIT_DOCKERFILE_CHECK", "skip=UnpinnedTool")
		}, want: []string{"UnpinnedBase runtime.yaml:2"}, status: "1"},
		{name: "a secret of the source", change: func(s *scene) { s.put("id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\nHUNTER2\n") }, want: []string{"SecretInSource", base}, status: "1"},
		{name: "a platform that would be lost", change: func(s *scene) {
			names := s.names().Images
			s.Images[names.Source+" linux/arm64"], s.Images[names.Source] = fakegateway.Image{Config: strings.Replace(debianConfig, "amd64", "arm64", 1)}, other
		}, want: []string{base, "PlatformsLost runtime.yaml:3"}, status: "1"},
		{name: "a platform that is built", change: func(s *scene) {
			s.exists("source")
			s.Images[s.names().Images.Source+" linux/arm64"] = other
		}, want: []string{base}, status: "1"},
		{name: "a registry that does not answer is no finding", change: func(s *scene) {
			s.Images[s.names().Images.Source] = fakegateway.Image{Err: fakegateway.ErrUnreachable}
		}, want: []string{base}, status: "1"},
		{name: "an unknown field", change: func(s *scene) { s.put("runtime.yaml", "base: debian:bookworm\ncolour: red\n") }, err: "runtime.yaml:2", status: "1"},
		{name: "a manifest that is no JSON", change: func(s *scene) { s.put("package.json", "{\n") }, err: "package.json:1", status: "1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			tt.change(s)
			var got bklint.LintResults
			res := ask(t, s, bklint.RequestLint, &got)
			var findings []string
			for _, w := range got.Warnings {
				text := w.RuleName
				if w.Location.SourceIndex >= 0 && len(w.Location.Ranges) > 0 {
					text += fmt.Sprintf(" %s:%d", got.Sources[w.Location.SourceIndex].Filename, w.Location.Ranges[0].Start.Line)
				}
				findings = append(findings, text)
			}
			slices.Sort(findings)
			slices.Sort(tt.want)
			at := ""
			if e := got.Error; e != nil {
				at = fmt.Sprintf("%s:%d", got.Sources[e.Location.SourceIndex].Filename, e.Location.Ranges[0].Start.Line)
			}
			if !slices.Equal(findings, tt.want) || at != tt.err || string(res.Metadata["result.statuscode"]) != tt.status {
				t.Errorf("found %q, an error at %q, status %s", findings, at, res.Metadata["result.statuscode"])
			}
			if strings.Contains(string(res.Metadata["result.json"]), "HUNTER2") {
				t.Error("the secret is shown")
			}
		})
	}
}

// TestCheckFails: an error that points at no line is the check's own.
func TestCheckFails(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*scene)
		text   string
	}{
		{"a project that cannot be read", func(s *scene) { s.failing["[internal] load manifests"] = fakegateway.ErrUnreachable }, "connection refused"},
		{"a rule that is none", func(s *scene) { s.set("build-arg:BUILDKIT_DOCKERFILE_CHECK", "skip=") }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t).set("requestid", bklint.RequestLint)
			tt.change(s)
			if _, err := s.build(); (err == nil) != (tt.text == "") || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}
