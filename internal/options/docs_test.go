package options

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables of options into the docs")

// tableForm is a table of options in a page of the docs.
var tableForm = regexp.MustCompile(`(?s)(<!-- options: ([a-z]+) -->\n)(.*?)(<!-- end of options -->\n)`)

// TestDocs holds the tables of the docs to the table of options. With -update it writes them.
func TestDocs(t *testing.T) {
	want := map[string]string{"arguments": argumentsTable()}
	for _, g := range Groups() {
		if rows := flagRows(g); len(rows) > 0 {
			want[g.Name] = strings.Join(append([]string{"| flag | commands | meaning |", "|---|---|---|"}, rows...), "\n") + "\n"
		}
	}
	for _, page := range []string{"../../docs/client.md", "../../docs/frontend.md"} {
		holdPage(t, page, want)
	}
	for name := range want {
		t.Errorf("no page has the table of the options %q", name)
	}
}

// holdPage compares the tables of a page, and takes those it has from the map.
func holdPage(t *testing.T, page string, want map[string]string) {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := tableForm.ReplaceAllStringFunc(string(data), func(table string) string {
		part := tableForm.FindStringSubmatch(table)
		rows, known := want[part[2]]
		if !known {
			t.Errorf("%s has a table of the options %q, which are unknown or have one already", page, part[2])
			return table
		}
		delete(want, part[2])
		if diff := cmp.Diff(rows, part[3]); diff != "" && !*update {
			t.Errorf("%s: run go test ./internal/options -update (-want +got):\n%s", page, diff)
		}
		return part[1] + rows + part[4]
	})
	if *update {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// flagRows are the rows of a group's flags.
func flagRows(g Group) []string {
	var rows []string
	for _, o := range g.Options {
		if o.Flag() == "" || o.Hidden {
			continue
		}
		takers := slices.Clone(g.Commands)
		for command := range o.Also {
			if !slices.Contains(takers, command) {
				takers = append(takers, command)
			}
		}
		slices.SortFunc(takers, func(a, b string) int { return slices.Index(commands, a) - slices.Index(commands, b) })
		if o.Default != "" {
			o.Unset = "`" + o.Default + "`"
		}
		meaning := []string{o.noted(o.repeated())}
		for _, command := range takers {
			if help, ok := o.Also[command]; ok {
				meaning = append(meaning, "`"+command+"`: "+help)
			}
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s |", cell(o.written()), strings.Join(takers, ", "), cell(strings.Join(meaning, ". "))))
	}
	return rows
}

// written is a flag as the docs write it.
func (o Option) written() string {
	text := "`--" + o.Flag()
	if o.Short != "" {
		text = "`-" + o.Short + "`, " + text
	}
	if o.Value != "" {
		text += " " + o.Value
	}
	return text + "`"
}

// argumentsTable is the table of the frontend's build arguments.
func argumentsTable() string {
	rows := []string{"| build argument | flag of rtbuild-client | meaning |", "|---|---|---|"}
	for _, o := range Arguments() {
		name := "`--build-arg " + o.Arg + "`"
		if o.Flag() != "" {
			name = "`--" + o.Flag() + "`"
		}
		if o.Name == "SBOM_SCAN_ALL" {
			name = ""
		}
		value := o.Value
		if value == "" {
			value = "true"
		}
		rows = append(rows, fmt.Sprintf("| `%s=%s` | %s | %s |", o.Arg, cell(value), name, cell(o.noted())))
	}
	return strings.Join(rows, "\n") + "\n"
}

// cell escapes what would end a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
