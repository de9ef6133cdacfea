package options

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// commands are those of rtbuild-client that take options.
var commands = []string{"tags", "plan", "solve", "prepare", "serve", "graph", "diff", "doctor"}

func TestTable(t *testing.T) {
	groups, args := map[string]bool{}, map[string]bool{}
	for _, g := range Groups() {
		if g.Name == "" || g.Title == "" || groups[g.Name] {
			t.Errorf("group %q, title %q: the name must be there once, with a title", g.Name, g.Title)
		}
		groups[g.Name] = true
		for _, command := range g.Commands {
			if !slices.Contains(commands, command) {
				t.Errorf("group %s: unknown command %q", g.Name, command)
			}
		}
		for _, o := range g.Options {
			checkRow(t, g, o)
			if o.Arg != "" && args[o.Arg] {
				t.Errorf("two options have the build argument %s", o.Arg)
			}
			args[o.Arg] = true
		}
	}
}

// checkRow checks what every row of the table must have.
func checkRow(t *testing.T, g Group, o Option) {
	t.Helper()
	switch {
	case o.Name == "" || o.into.set == nil:
		t.Errorf("%s: option %q has no name or no parser", g.Name, o.Name)
	case !slices.Contains([]string{kindBool, kindText, kindList, kindCount}, o.Type()):
		t.Errorf("%s: --%s has the unknown type %q", g.Name, o.Name, o.Type())
	case (o.Type() == kindBool) != (o.Value == ""):
		t.Errorf("%s: --%s has type %s, and the value %q in the docs", g.Name, o.Name, o.Type(), o.Value)
	case o.flag() == "" && o.Arg == "":
		t.Errorf("%s: %s is neither a flag nor a build argument", g.Name, o.Name)
	case o.flag() != "" && len(g.Commands)+len(o.Also) == 0:
		t.Errorf("%s: no command takes --%s", g.Name, o.Name)
	case o.Default != "" && o.into.set(o.Default) != nil:
		t.Errorf("%s: --%s does not take its default %q", g.Name, o.Name, o.Default)
	}
	help := []string{o.Help}
	for _, more := range o.Also {
		help = append(help, more)
	}
	for _, text := range help {
		if len(text) < 10 || strings.ToUpper(text[:1]) != text[:1] || strings.HasSuffix(text, ".") || strings.ContainsAny(text, "\n`") {
			t.Errorf("%s: the help of --%s is %q: want one line that begins with a capital and ends without a dot", g.Name, o.Name, text)
		}
	}
	if strings.Contains(o.Help, "epeatable") || strings.Contains(o.Help, "default:") {
		t.Errorf("%s: the help of --%s says what is added to it: %q", g.Name, o.Name, o.Help)
	}
}

// TestNames shows that no command has two options of one name, and that every option can be registered.
func TestNames(t *testing.T) {
	for _, command := range commands {
		seen := map[string]bool{}
		for _, o := range OfCommand(command) {
			for _, name := range []string{string(o.Name), o.Short} {
				if name != "" && seen[name] {
					t.Errorf("%s has two options %s", command, name)
				}
				seen[name] = true
			}
		}
	}
}

// TestChoices shows that what completion offers can be parsed.
func TestChoices(t *testing.T) {
	for _, g := range Groups() {
		for _, o := range g.Options {
			for _, choice := range o.Choices {
				if err := o.into.set(choice); err != nil {
					t.Errorf("--%s: %v", o.Name, err)
				}
			}
		}
	}
}

func TestAddFlags(t *testing.T) {
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
		{name: "secret", command: "solve", args: []string{"--label", "=hunter2"}, err: `invalid --label: must be KEY=VALUE`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var (
				runtime  Runtime
				planning Planning
				printing Printing
				build    Build
			)
			flags := pflag.NewFlagSet(tt.command, pflag.ContinueOnError)
			AddFlags(flags, tt.command, &runtime, &planning, &printing, &build)
			err := FlagError(flags.Parse(tt.args))
			if wantError(t, err, tt.err) {
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
		{name: "time", given: map[string]string{"SOURCE_DATE_EPOCH": "today"}, err: `invalid build argument SOURCE_DATE_EPOCH "today": must be a number of seconds`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var (
				runtime     Runtime
				planning    Planning
				environment Environment
			)
			unknown, err := ReadArguments(tt.given, BuildArguments, &runtime, &planning, &environment)
			if wantError(t, err, tt.err) {
				return
			}
			got := told(runtime.BaseImage(), runtime.Repository, planning.Force, environment.Proxy.HTTPProxy, environment.Proxy.NoProxy)
			if got != tt.want || strings.Join(unknown, " ") != tt.unknown {
				t.Errorf("got %q, unknown %q; want %q, unknown %q", got, unknown, tt.want, tt.unknown)
			}
		})
	}
}

func TestSource(t *testing.T) {
	for _, tt := range []struct {
		from       Source
		name       Name
		says, give string
	}{
		{Flags, BaseImage, "--base-image", "--base-image"},
		{BuildArguments, BaseImage, "build argument BASE_IMAGE", "--build-arg BASE_IMAGE=IMAGE"},
		{BuildArguments, ForceRebuild, "build argument FORCE_REBUILD", "--build-arg FORCE_REBUILD=1"},
		{Flags, CAFile, "--ca-file", "--ca-file"},
		{BuildArguments, CAFile, "--ca-file", "--secret id=rtbuild-ca,src=FILE"},
		{BuildArguments, Label, "--label", "--label"}, // docker's own option
		{BuildArgFlag, "SOURCE_DATE_EPOCH", "--build-arg SOURCE_DATE_EPOCH", "--build-arg SOURCE_DATE_EPOCH=SECONDS"},
		{Variables, "SOURCE_DATE_EPOCH", "environment variable SOURCE_DATE_EPOCH", "--build-arg SOURCE_DATE_EPOCH=SECONDS"},
	} {
		if says, give := tt.from.Name(tt.name), tt.from.Give(tt.name); says != tt.says || give != tt.give {
			t.Errorf("%d %s: got %q and %q, want %q and %q", tt.from, tt.name, says, give, tt.says, tt.give)
		}
	}
}
