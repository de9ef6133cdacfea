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

// pattern is an ignore pattern and where it is written.
type pattern struct {
	text    string
	from    string // the owner, for messages
	at      projectfile.SourceLocation
	negated bool
	builtin bool // of the profile; such patterns come last and cannot be removed
	matcher *patternmatcher.PatternMatcher
}

// hiddenFiles finds ignore patterns that keep inputs of the image out of the source: source paths or dependency files.
func hiddenFiles(in Input) []Finding {
	if in.Project == nil || len(in.Runtime.Ignore) == 0 {
		return nil
	}
	patterns := in.patterns()
	all := hiddenSources(in, patterns)
	if len(all) > 0 {
		return all // dependency files are then a minor problem
	}
	for _, file := range in.Runtime.Dependencies.Files {
		if p := lastMatch(patterns, file); p != nil && !p.negated && !p.builtin && inSource(in, file) {
			all = append(all, IgnoreHidesHashed.found(p.at, "%s keeps %s out of the source, but the dependencies are installed from it and it is in the deps image: "+
				"remove the pattern, or add !%s after it", p, file, file))
		}
	}
	return all
}

// inSource reports whether a file is in a path that is copied.
func inSource(in Input, file string) bool {
	for _, source := range in.Runtime.Source {
		if source.Path == "." || source.Path == file || strings.HasPrefix(file, source.Path+"/") {
			return true
		}
	}
	return false
}

// hiddenSources finds source paths that ignore patterns hide completely.
func hiddenSources(in Input, patterns []pattern) []Finding {
	var all []Finding
	for _, source := range in.Runtime.Source {
		if source.Optional || !in.isEmpty(source.Path, patterns) {
			continue
		}
		p := hidingPattern(patterns, source.Path)
		if p == nil {
			continue // the path is empty for another reason
		}
		what := source.Path
		if what == "." {
			what = "everything"
		}
		all = append(all, IgnoreHidesHashed.found(p.at, "%s hides %s, so the image would contain none of it, and a change in it would not give a new tag: "+
			"narrow the pattern, or add an exception after it, such as !src", p, what))
	}
	return all
}

// isEmpty reports whether nothing of a source path is copied. Without the list of copied files it goes by the patterns: it
// assumes that a negated pattern re-includes something.
func (in Input) isEmpty(dir string, patterns []pattern) bool {
	if in.Copied == nil {
		return !slices.ContainsFunc(patterns, func(p pattern) bool { return p.negated })
	}
	return !slices.ContainsFunc(in.Copied, func(file string) bool {
		return dir == "." || file == dir || strings.HasPrefix(file, dir+"/")
	})
}

// hidingPattern returns the pattern that hides a whole source path, or nil.
func hidingPattern(patterns []pattern, dir string) *pattern {
	if dir != "." {
		if p := lastMatch(patterns, dir); p != nil && !p.negated {
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

// lastMatch returns the last pattern that matches a file or one of its parent directories, or nil. It decides whether the file
// is ignored.
func lastMatch(patterns []pattern, file string) *pattern {
	for i := range slices.Backward(patterns) {
		if ok, err := patterns[i].matcher.MatchesOrParentMatches(file); ok && err == nil {
			return &patterns[i]
		}
	}
	return nil
}

// patterns returns the runtime's ignore patterns with their locations: those of .dockerignore, of the runtime file, and of the
// profile.
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

// dockerignore returns the location of each pattern of .dockerignore.
func (in Input) dockerignore() []projectfile.SourceLocation {
	data, _ := in.read(dockerignore)
	var locations []projectfile.SourceLocation
	for i, line := range bytes.Split(data, []byte("\n")) {
		if patterns, err := ignorefile.ReadAll(bytes.NewReader(line)); err == nil && len(patterns) == 1 {
			locations = append(locations, projectfile.SourceLocation{File: dockerignore, Data: data, First: i + 1, Last: i + 1})
		}
	}
	return locations
}

func (p *pattern) String() string { return fmt.Sprintf("%s pattern %q", p.from, p.text) }
