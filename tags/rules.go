package tags

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// rules decides which entries of a directory are ignored. Implementations are safe for concurrent use.
type rules interface {
	// top reports whether a source path is ignored, and returns the state for its entries.
	top(path string, isDir bool) (ignored bool, s state)
	// dir reports whether a directory is ignored, so that it is not entered, and returns the state for its entries.
	dir(path string, parent state) (ignored bool, s state)
	// file reports whether any other entry is ignored.
	file(path string, parent state) bool
}

// state is what rules keep about a directory for its entries.
type state = patternmatcher.MatchInfo

func newRules(src Source) (rules, error) {
	for _, p := range src.NoCopy {
		if _, err := path.Match(p, ""); err != nil {
			return nil, patternError("uncopied name", p, err)
		}
	}
	if src.Original {
		return originalRules{}, nil
	}
	return newIgnoreRules(src.Ignore)
}

func patternError(input, pattern string, err error) error {
	return &InputError{Input: input, Value: pattern, Err: err, Fix: "correct the pattern"}
}

// originalRules implements section 6.1, which decides by names alone. The name of a source path never matters.
type originalRules struct{}

func (originalRules) top(string, bool) (bool, state) { return false, state{} }

func (originalRules) dir(p string, _ state) (bool, state) {
	name := path.Base(p)
	return strings.HasPrefix(name, ".") || name == "__pycache__" || strings.HasSuffix(name, ".pyc"), state{}
}

func (originalRules) file(p string, _ state) bool {
	return strings.HasSuffix(p, ".pyc")
}

// ignoreRules implements .dockerignore patterns. A matcher is not safe for concurrent use, so each goroutine takes one from
// the pool. All matchers understand each other's states.
type ignoreRules struct {
	matchers *sync.Pool
	negated  [][]string // path components of the patterns that begin with "!"
}

// maxIgnore limits the number of ignore patterns, because each file is matched against each pattern.
const maxIgnore = 1_000

func newIgnoreRules(lines []string) (rules, error) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		return nil, patternError("ignore list", strings.Join(lines, "\n"), err)
	}
	if n := len(patterns); n > maxIgnore {
		return nil, &InputError{Input: "ignore list", Value: fmt.Sprintf("%d patterns", n), Err: fmt.Errorf("it has more than %d", maxIgnore), Fix: `leave patterns out, or join them by "*"`}
	}
	r := ignoreRules{matchers: &sync.Pool{}}
	for _, p := range patterns {
		m, err := patternmatcher.New([]string{p})
		if err == nil {
			_, err = m.MatchesOrParentMatches("x") // compiles it
		}
		if err != nil {
			return nil, patternError("ignore pattern", p, err)
		}
		if m.Exclusions() {
			r.negated = append(r.negated, strings.Split(m.Patterns()[0].String(), "/"))
		}
	}
	r.matchers.New = func() any {
		m, _ := patternmatcher.New(patterns) // all are valid, see above
		return m
	}
	return r, nil
}

func (r ignoreRules) match(p string, parent state) (bool, state) {
	m := r.matchers.Get().(*patternmatcher.PatternMatcher)
	defer r.matchers.Put(m)
	ignored, s, _ := m.MatchesUsingParentResults(p, parent) // it fails on invalid patterns only
	return ignored, s
}

// top checks the parent directories as well: everything in an ignored directory is ignored.
func (r ignoreRules) top(p string, isDir bool) (bool, state) {
	if p == "." {
		return false, state{}
	}
	ignored, parent := r.top(path.Dir(p), true)
	if ignored || isDir {
		dirIgnored, s := r.dir(p, parent)
		return ignored || dirIgnored, s
	}
	return r.file(p, parent), state{}
}

func (r ignoreRules) dir(p string, parent state) (bool, state) {
	ignored, s := r.match(p, parent)
	return ignored && !r.mayHold(p), s
}

func (r ignoreRules) file(p string, parent state) bool {
	ignored, _ := r.match(p, parent)
	return ignored
}

// mayHold reports whether a negated pattern may re-include something below an ignored directory.
func (r ignoreRules) mayHold(dir string) bool {
	parts := strings.Split(dir, "/")
	for _, pattern := range r.negated {
		if mayMatchBelow(pattern, parts) {
			return true
		}
	}
	return false
}

// mayMatchBelow reports whether a pattern may match something below dir. When in doubt it returns true: a component with
// "**" matches any number of components.
func mayMatchBelow(pattern, dir []string) bool {
	for i, part := range pattern {
		if i == len(dir) || strings.Contains(part, "**") {
			return true
		}
		if ok, err := path.Match(part, dir[i]); err == nil && !ok {
			return false
		}
	}
	return false
}
