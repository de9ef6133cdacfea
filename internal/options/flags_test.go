package options_test

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

func TestFlags(t *testing.T) {
	for _, tt := range []struct {
		name    string
		command string
		args    []string
		want    string // file, profile, repository, force, format, retries
		err     string
	}{
		{name: "defaults", command: "solve", want: "   false text 2"},
		{name: "given", command: "solve", args: []string{"-f", "a", "--profile=node", "--repository", "r", "--force-rebuild", "--format", "json", "--retries", "0"},
			want: "a node r true json 0"},
		{name: "the last counts", command: "solve", args: []string{"-f", "a", "-f", "b"}, want: "b   false text 2"},
		{name: "switched off", command: "solve", args: []string{"--force-rebuild=false"}, want: "   false text 2"},
		{name: "one option of a group", command: "doctor", args: []string{"--repository", "r"}, want: "  r false text 0"},
		{name: "none of a group", command: "doctor", args: []string{"--profile", "node"}, err: "unknown flag: --profile"},
		{name: "switch", command: "solve", args: []string{"--force-rebuild=x"}, err: `invalid --force-rebuild "x": must be true or false`},
		{name: "number", command: "solve", args: []string{"--retries=-1"}, err: `invalid --retries "-1": must be a whole number from 0`},
		{name: "choice", command: "solve", args: []string{"--format", "xml"}, err: `invalid --format "xml": must be text or json`},
		{name: "with a letter", command: "solve", args: []string{"-f"}, err: "flag needs an argument"},
		{name: "part of a value", command: "solve", args: []string{"--platform", "linux/amd64,,"}, err: `invalid --platform "": must be OS/ARCH`},
		{name: "profile", command: "solve", args: []string{"--profile", "nod"}, err: `invalid --profile "nod": must be node, python or openhands`},
		{name: "secret", command: "solve", args: []string{"--label", "=hunter2"}, err: `invalid --label: must be KEY=VALUE`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var (
				runtime  options.Runtime
				planning options.Planning
				printing options.Printing
				build    options.Build
			)
			set := pflag.NewFlagSet(tt.command, pflag.ContinueOnError)
			flags.Add(set, tt.command, &runtime, &planning, &printing, &build)
			err := flags.Error(set.Parse(tt.args))
			if projecttest.WantError(t, err, tt.err) {
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the error repeats a value that may be a secret: %v", err)
				}
				return
			}
			if got := told(runtime.File, runtime.Profile, runtime.Repository, planning.Force, printing.Format, build.Retries); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReadArguments(t *testing.T) {
	for _, tt := range []struct {
		name    string
		given   map[string]string
		want    string // base, repository, force, HTTP_PROXY, NO_PROXY
		unknown string
		err     string
	}{
		{name: "none", want: "  false  "},
		{name: "given", given: map[string]string{"BASE_IMAGE": "b", "REPOSITORY": "r", "FORCE_REBUILD": "1", "HTTP_PROXY": "p"}, want: "b r true p "},
		{name: "empty is none", given: map[string]string{"BASE_IMAGE": "", "FORCE_REBUILD": "", "VARIANT": ""}, want: "  false  "},
		{name: "proxies in lower case", given: map[string]string{"http_proxy": "p", "No_Proxy": "n"}, want: "  false p n"},
		{name: "capitals first", given: map[string]string{"http_proxy": "p", "HTTP_PROXY": "q", "NO_PROXY": "", "no_proxy": "n"}, want: "  false q n"},
		{name: "others in lower case", given: map[string]string{"base_image": "b"}, want: "  false  ", unknown: "base_image"},
		{name: "unknown", given: map[string]string{"B": "", "A": "x", "BUILDKIT_X": "y", "FILE": "z"}, want: "  false  ", unknown: "A B FILE"},
		{name: "switch", given: map[string]string{"FORCE_REBUILD": "maybe"}, err: `invalid build argument FORCE_REBUILD "maybe": must be true or false`},
		{name: "choice", given: map[string]string{"VARIANT": "lok"}, err: `invalid build argument VARIANT "lok": must be none, lock, versioned or scratch`},
		{name: "part of a value", given: map[string]string{"REUSE_FROM": "a/x, b/Y"}, err: `invalid build argument REUSE_FROM "b/Y": must be a repository`},
		{name: "profile", given: map[string]string{"PROFILE": "nod"}, err: `invalid build argument PROFILE "nod": must be node, python or openhands`},
		{name: "image", given: map[string]string{"BASE_IMAGE": "A B"}, err: `invalid build argument BASE_IMAGE "A B": invalid reference format`},
		{name: "repository", given: map[string]string{"REPOSITORY": "a/x:1"}, err: `invalid build argument REPOSITORY "a/x:1": it has a tag or a digest`},
		{name: "time", given: map[string]string{"SOURCE_DATE_EPOCH": "today"}, err: `invalid build argument SOURCE_DATE_EPOCH "today": must be a number of seconds`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var (
				runtime     options.Runtime
				planning    options.Planning
				environment options.Environment
			)
			unknown, err := options.ReadArguments(tt.given, options.BuildArguments, &runtime, &planning, &environment)
			if projecttest.WantError(t, err, tt.err) {
				return
			}
			got := told(runtime.BaseImage(), runtime.Repository, planning.Force, environment.Proxy.HTTPProxy, environment.Proxy.NoProxy)
			if got != tt.want || strings.Join(unknown, " ") != tt.unknown {
				t.Errorf("got %q, unknown %q; want %q, unknown %q", got, unknown, tt.want, tt.unknown)
			}
		})
	}
}
