package lint

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

const dockerignore = ".dockerignore"

// pattern is an ignore pattern with its place.
type pattern struct {
	text    string
	from    string // whose it is, in words
	at      projectfile.SourceLocation
	negated bool
	builtin bool // the profile's, which nobody can remove, and which comes last
	matcher *patternmatcher.PatternMatcher
}

// hiddenFiles finds files that the image is made from and that ignore patterns keep out of the source: dependency files,
// source paths, everything.
func hiddenFiles(in Input) []Finding {
	if in.Project == nil || len(in.Runtime.Ignore) == 0 {
		return nil
	}
	patterns := in.patterns()
	all := hiddenSources(in, patterns)
	if len(all) > 0 {
		return all // the dependency files are the least of it
	}
	for _, file := range in.Runtime.Dependencies.Files {
		if p := decides(patterns, file); p != nil && !p.negated && !p.builtin && inSource(in, file) {
			all = append(all, IgnoreHidesHashed.found(p.at, "%s keeps %s out of the source, yet the dependencies are installed from it and it is in the image: "+
				"remove the pattern, or write !%s behind it", p, file, file))
		}
	}
	return all
}

// inSource says whether a file lies in a path that is copied.
func inSource(in Input, file string) bool {
	for _, source := range in.Runtime.Source {
		if source.Path == "." || source.Path == file || strings.HasPrefix(file, source.Path+"/") {
			return true
		}
	}
	return false
}

// hiddenSources finds source paths of which nothing is left.
func hiddenSources(in Input, patterns []pattern) []Finding {
	var all []Finding
	for _, source := range in.Runtime.Source {
		if source.Optional || !in.isEmpty(source.Path, patterns) {
			continue
		}
		p := hider(patterns, source.Path)
		if p == nil {
			continue // it may be empty without any pattern
		}
		what := source.Path
		if what == "." {
			what = "everything"
		}
		all = append(all, IgnoreHidesHashed.found(p.at, "%s hides %s, so the image would hold none of it, and no change in it would give a new tag: "+
			"narrow the pattern, or write what is wanted behind it, such as !src", p, what))
	}
	return all
}

// isEmpty says whether nothing of a source path is copied: by the list of what is, else by the patterns alone, which know
// of no file that another one takes back.
func (in Input) isEmpty(dir string, patterns []pattern) bool {
	if in.Copied == nil {
		return !slices.ContainsFunc(patterns, func(p pattern) bool { return p.negated })
	}
	return !slices.ContainsFunc(in.Copied, func(file string) bool {
		return dir == "." || file == dir || strings.HasPrefix(file, dir+"/")
	})
}

// hider is the pattern that hides a whole source path; nil if none does.
func hider(patterns []pattern, dir string) *pattern {
	if dir != "." {
		if p := decides(patterns, dir); p != nil && !p.negated {
			return p
		}
	}
	for _, name := range []string{"*", "**", "**/*"} {
		for i, p := range patterns {
			if !p.negated && p.text == path.Join(dir, name) {
				return &patterns[i]
			}
		}
	}
	return nil
}

// decides is the last pattern that matches a file or a directory that it lies in; nil if none does.
func decides(patterns []pattern, file string) *pattern {
	for i := range slices.Backward(patterns) {
		if ok, err := patterns[i].matcher.MatchesOrParentMatches(file); ok && err == nil {
			return &patterns[i]
		}
	}
	return nil
}

// patterns are the runtime's ignore patterns with their places: .dockerignore's, the runtime file's, the profile's.
func (in Input) patterns() []pattern {
	var all []pattern
	lines := in.dockerignore()
	own := in.Runtime.OwnIgnore()
	for i, text := range in.Runtime.Ignore {
		p := pattern{text: text, from: "the profile's", at: in.field("source"), builtin: true}
		switch {
		case i < len(lines):
			p.from, p.at, p.builtin = dockerignore+"'s", lines[i], false
		case i < len(lines)+len(own):
			p.from, p.at, p.builtin = "the", in.field("ignore."+text), false
		}
		p.text, p.negated = strings.CutPrefix(text, "!")
		if clean, err := ignorefile.ReadAll(strings.NewReader(p.text)); err == nil && len(clean) == 1 {
			p.text = clean[0]
		}
		var err error
		if p.matcher, err = patternmatcher.New([]string{p.text}); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// dockerignore gives the place of each pattern of .dockerignore.
func (in Input) dockerignore() []projectfile.SourceLocation {
	data, _ := in.read(dockerignore)
	var places []projectfile.SourceLocation
	for i, line := range bytes.Split(data, []byte("\n")) {
		if patterns, err := ignorefile.ReadAll(bytes.NewReader(line)); err == nil && len(patterns) == 1 {
			places = append(places, projectfile.SourceLocation{File: dockerignore, Data: data, First: i + 1, Last: i + 1})
		}
	}
	return places
}

func (p *pattern) String() string { return fmt.Sprintf("%s pattern %q", p.from, p.text) }
