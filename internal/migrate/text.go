package migrate

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rtbuild/rtbuild/internal/profile"
)

// encode writes fields as YAML, each with its reason in a comment. Lists and short maps are in one line.
func encode(fields []field) []byte {
	text := []byte{} // not nil: the file exists, and may be empty
	for _, f := range fields {
		value := &yaml.Node{}
		if node, ok := f.value.(*yaml.Node); ok {
			value = node
		} else if err := value.Encode(f.value); err != nil {
			panic(err) // a text, a list or a map of texts always has a YAML form
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: f.name}
		comment := &value.LineComment
		if f.name == "env" {
			comment = &key.HeadComment
		} else {
			value.Style |= yaml.FlowStyle
		}
		*comment = f.why
		line, _ := yaml.Marshal(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, value}})
		text = append(text, line...)
		*comment = ""
	}
	return text
}

// render returns the text of the file: its lines, what was found without them, and what is left of the Dockerfile.
func (d *draft) render(runtime *profile.Runtime) []byte {
	var text bytes.Buffer
	fmt.Fprintln(&text, "# Written by rtbuild-client init. Each line says why it is there; all else has a default.")
	text.Write(encode(d.fields))
	writeList(&text, "Found in the project, so these need no line:", d.found(runtime))
	lines := d.leftLines()
	writeList(&text, "Not taken over from "+d.source+":", lines)
	writeList(&text, "Different from "+d.source+":", d.notes)
	if done := ranges(d.done); done != "" {
		writeList(&text, "In "+d.source+", and done without a line here (files, dependencies, caches, owners):", []string{"lines " + done})
	}
	return text.Bytes()
}

// leftLines lists what is left of the Dockerfile. Neighbours with one reason share it.
func (d *draft) leftLines() []string {
	slices.SortStableFunc(d.left, func(a, b left) int { return cmp.Compare(a.line, b.line) })
	var lines []string
	for i, l := range d.left {
		d.done = slices.DeleteFunc(d.done, func(line int) bool { return line == l.line })
		at := ""
		if l.line > 0 {
			at = "line " + strconv.Itoa(l.line) + ": "
		}
		lines = append(lines, at+l.text)
		if i+1 == len(d.left) || d.left[i+1].reason != l.reason {
			lines = append(lines, "    "+oneLine(l.reason))
		}
	}
	return lines
}

// writeList writes lines as a comment below a title. It writes nothing if there are none.
func writeList(text *bytes.Buffer, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(text, "\n# %s\n", title)
	for _, line := range lines {
		fmt.Fprintf(text, "#   %s\n", printable(line))
	}
}

// found returns the lines that the file would have if the project did not say the same.
func (d *draft) found(r *profile.Runtime) []string {
	files := strings.Join(r.Dependencies.Files[:min(2, len(r.Dependencies.Files))], ", ")
	all := []field{
		{"profile", r.Profile, files},
		{"dependencies", map[string]string{"manager": r.Dependencies.Manager}, files},
	}
	if r.Interpreter.Version != "" {
		all = append(all, field{"runtime", map[string]*yaml.Node{r.Interpreter.Name: {Kind: yaml.ScalarNode, Value: r.Interpreter.Version}}, "what the project accepts, else the default"})
	}
	if r.DetectsBuild() {
		all = append(all, field{"build", r.Build.Run, "it makes the file that a container starts; build: none turns it off"})
	}
	if r.Cmd != nil && !d.has("entrypoint") {
		all = append(all, field{"cmd", r.Cmd, "what the project says that it is started by"})
	}
	all = slices.DeleteFunc(all, func(f field) bool { return d.has(f.name) })
	return strings.Split(strings.TrimSpace(string(encode(all))), "\n")
}

// ranges writes numbers shortly: "1, 3-5".
func ranges(numbers []int) string {
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		part := strconv.Itoa(numbers[i])
		if j > i {
			part += "-" + strconv.Itoa(numbers[j])
		}
		parts, i = append(parts, part), j+1
	}
	return strings.Join(parts, ", ")
}
