package options_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestReferences checks options that take the name of an image or of a repository. The error names the option.
func TestReferences(t *testing.T) {
	const image, repository = "write it as [REGISTRY[:PORT]/]NAME[:TAG][@DIGEST]", "write it as [REGISTRY[:PORT]/]NAME, in lower case, without a tag"
	for _, tt := range []struct{ command, flag, given, err string }{
		{"tags", "base-image", "debian:bookworm", ""},
		{"tags", "base-image", "", ""},
		{"tags", "base-image", "A:b", image},
		{"tags", "repository", "r.example.com/x", ""},
		{"tags", "repository", "", ""},
		{"doctor", "repository", "r.example.com/X", repository},
		{"solve", "repository", "r.example.com/x:1", "it has a tag or a digest: " + repository},
		{"prepare", "syntax", "r.example.com/frontend:1", ""},
		{"prepare", "syntax", "", ""},
		{"prepare", "syntax", "A B", image},
		{"prepare", "syntax", "a\nb", image},
	} {
		t.Run(tt.command+" "+tt.flag+" "+tt.given, func(t *testing.T) {
			set := pflag.NewFlagSet(tt.command, pflag.ContinueOnError)
			flags.Add(set, tt.command, &options.Runtime{}, &options.Prepare{})
			err := flags.Error(set.Parse([]string{"--" + tt.flag, tt.given}))
			if projecttest.WantError(t, err, tt.err) {
				projecttest.WantError(t, err, fmt.Sprintf("invalid --%s %q: ", tt.flag, tt.given))
			}
		})
	}
}

func TestRepositories(t *testing.T) {
	for _, tt := range []struct {
		given     []string
		want, err string
	}{
		{given: []string{"a/x"}, want: "a/x"},
		{given: []string{"a/x, b.example.com:5000/y,", ""}, want: "a/x b.example.com:5000/y"},
		{given: []string{"a/x:1"}, err: `invalid --reuse-from "a/x:1": must be a repository without a tag, HOST/PATH`},
		{given: []string{"a/X"}, err: `invalid --reuse-from "a/X"`},
		{given: []string{"a/x@sha256:" + strings.Repeat("0", 64)}, err: "must be a repository without a tag"},
	} {
		t.Run(strings.Join(tt.given, "+"), func(t *testing.T) {
			var (
				p    options.Planning
				args []string
			)
			for _, one := range tt.given {
				args = append(args, "--reuse-from", one)
			}
			if !projecttest.WantError(t, parse("plan", &p, args...), tt.err) && strings.Join(p.ReuseFrom, " ") != tt.want {
				t.Errorf("got %q, want %q", p.ReuseFrom, tt.want)
			}
		})
	}
}

// TestSecrets checks the form of secrets. No error repeats the value.
func TestSecrets(t *testing.T) {
	const wrong = "invalid --secret: must be id=ID,src=FILE or id=ID,env=VARIABLE"
	for _, tt := range []struct{ given, err string }{
		{given: "id=npmrc,src=/x"}, {given: "id=npmrc,type=env,env=X"}, {given: "ID=x,Source=y"}, {given: "id=x"},
		{"hunter2", wrong}, {"id=x,hunter2", wrong}, {"id=x,hunter=2", wrong}, {`"hunter2`, "invalid --secret: "},
	} {
		t.Run(tt.given, func(t *testing.T) {
			var b options.Build
			if err := parse("solve", &b, "--secret", tt.given); projecttest.WantError(t, err, tt.err) && strings.Contains(err.Error(), "hunter") {
				t.Errorf("the error repeats the value: %v", err)
			}
		})
	}
}

func TestCaches(t *testing.T) {
	for _, tt := range []struct {
		name, given string
		want, err   string
	}{
		{name: "references", given: "a/b,c/d", want: "[type=registry,ref=a/b type=registry,ref=c/d]"},
		{name: "written out", given: "type=local,src=d", want: "[type=local,src=d]"},
		{name: "unknown type", given: "type=foo,ref=x", err: `invalid --cache-from "type=foo,ref=x": type= must be registry, local, gha, s3 or azblob, not "foo"`},
		{name: "only for export", given: "type=inline", err: `not "inline"`},
		{name: "half a pair", given: "type=local,src", err: `invalid --cache-from "type=local,src": "src" must be KEY=VALUE`},
		{name: "no type", given: "ref=a/b", err: `invalid --cache-from "ref=a/b": type= is missing`},
		{name: "quotes", given: `"a/b`, err: `invalid --cache-from "\"a/b"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c options.Caches
			if !projecttest.WantError(t, parse("solve", &c, "--cache-from", tt.given), tt.err) && told(c.From) != tt.want {
				t.Errorf("got %v, want %s", c.From, tt.want)
			}
		})
	}
}
