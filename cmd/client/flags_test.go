package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/rtbuild/rtbuild/internal/options"
)

// TestFlags shows that each command has the flags that the table of options gives it, and no others.
func TestFlags(t *testing.T) {
	for _, cmd := range newRoot().Commands() {
		var want, got []string
		for _, o := range options.OfCommand(cmd.Name()) {
			want = append(want, strings.Join([]string{string(o.Name), o.Short, o.Type(), o.Default, o.HelpFor(cmd.Name())}, "|"))
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			value := f.DefValue
			if f.Value.Type() == "bool" && value == "false" {
				value = ""
			}
			if f.Name != "help" {
				got = append(got, strings.Join([]string{f.Name, f.Shorthand, f.Value.Type(), value, f.Usage}, "|"))
			}
		})
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", cmd.Name(), diff)
		}
	}
}

// TestHelpSaysWhatAFlagReaches: the help text of a flag says what the flag applies to.
func TestHelpSaysWhatAFlagReaches(t *testing.T) {
	for _, tt := range []struct{ command, flag, want string }{
		{"solve", "ca-file", "rtbuild-client, build steps and the private builder trust"},
		{"solve", "registry-config", "rtbuild-client and the private builder use it"},
		{"solve", "label", "KEY alone is an empty label, as in buildx"},
		{"diff", "ca-file", "certificate authorities to trust"},
		{"graph", "label", "No effect on the addresses"},
		{"graph", "sbom", "No effect on the addresses"},
		{"graph", "cache-to", "No effect on the addresses"},
		{"graph", "add-host", "No effect on the addresses"},
		{"graph", "retries", "How often to try again"},
	} {
		cmd, _, err := newRoot().Find([]string{tt.command})
		if err != nil {
			t.Fatal(err)
		}
		if got := cmd.Flags().Lookup(tt.flag).Usage; !strings.Contains(got, tt.want) {
			t.Errorf("%s --%s: %q lacks %q", tt.command, tt.flag, got, tt.want)
		}
	}
}
