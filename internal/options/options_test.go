package options

import (
	"slices"
	"strings"
	"testing"
)

// commands are those of rtbuild-client that take options.
var commands = []string{"tags", "plan", "solve", "prepare", "init", "serve", "graph", "diff", "doctor"}

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
	case o.Flag() == "" && o.Arg == "":
		t.Errorf("%s: %s is neither a flag nor a build argument", g.Name, o.Name)
	case o.Flag() != "" && len(g.Commands)+len(o.Also) == 0:
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

// TestChoices shows that what completion offers can be parsed. After a choice that ends with a comma, the user writes more.
func TestChoices(t *testing.T) {
	for _, g := range Groups() {
		for _, o := range g.Options {
			for _, choice := range o.Choices {
				if err := o.into.set(strings.TrimSuffix(choice, ",")); err != nil {
					t.Errorf("--%s: %v", o.Name, err)
				}
			}
		}
	}
}

func TestSource(t *testing.T) {
	for _, tt := range []struct {
		from       Source
		name       Name
		says, give string
		value      string // as it is given
	}{
		{Flags, BaseImage, "--base-image", "--base-image", "--base-image VALUE"},
		{BuildArguments, BaseImage, "build argument BASE_IMAGE", "--build-arg BASE_IMAGE=IMAGE", "--build-arg BASE_IMAGE=VALUE"},
		{BuildArguments, ForceRebuild, "build argument FORCE_REBUILD", "--build-arg FORCE_REBUILD=1", "--build-arg FORCE_REBUILD=VALUE"},
		{Flags, CAFile, "--ca-file", "--ca-file", "--ca-file VALUE"},
		{BuildArguments, CAFile, "--ca-file", "--secret id=rtbuild-ca,src=FILE", "--ca-file VALUE"},
		{BuildArguments, Label, "--label", "--label", "--label VALUE"}, // docker's own option
		{BuildArgFlag, "SOURCE_DATE_EPOCH", "--build-arg SOURCE_DATE_EPOCH", "--build-arg SOURCE_DATE_EPOCH=SECONDS", "--build-arg SOURCE_DATE_EPOCH=VALUE"},
		{Variables, "SOURCE_DATE_EPOCH", "environment variable SOURCE_DATE_EPOCH", "--build-arg SOURCE_DATE_EPOCH=SECONDS", "--build-arg SOURCE_DATE_EPOCH=VALUE"},
	} {
		if value := tt.from.GiveValue(tt.name, "VALUE"); tt.value != value {
			t.Errorf("%d %s: got %q, want %q", tt.from, tt.name, value, tt.value)
		}
		if says, give := tt.from.Name(tt.name), tt.from.Give(tt.name); says != tt.says || give != tt.give {
			t.Errorf("%d %s: got %q and %q, want %q and %q", tt.from, tt.name, says, give, tt.says, tt.give)
		}
	}
}
