package tags

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// rules judges the entries of a directory. Implementations may be called from several goroutines.
type rules interface {
	// top judges a source path itself, and gives what its entries are judged with.
	top(path string, isDir bool) (ignored bool, s state)
	// dir says whether a directory is left out, and not even entered.
	dir(path string, parent state) (ignored bool, s state)
	// file says the same of anything else.
	file(path string, parent state) bool
}

// state is what rules remember of a directory for its entries.
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

// originalRules are section 6.1's, by names alone. The name of a source path is never looked at.
type originalRules struct{}

func (originalRules) top(string, bool) (bool, state) { return false, state{} }

func (originalRules) dir(p string, _ state) (bool, state) {
	name := path.Base(p)
	return strings.HasPrefix(name, ".") || name == "__pycache__" || strings.HasSuffix(name, ".pyc"), state{}
}

func (originalRules) file(p string, _ state) bool {
	return strings.HasSuffix(p, ".pyc")
}

// ignoreRules are patterns of .dockerignore. A matcher is not safe for several goroutines, so each takes one of its own
// from the pool; what they remember can be exchanged among them.
type ignoreRules struct {
	matchers *sync.Pool
	negated  [][]string // components of the patterns that begin with "!"
}

// maxIgnore is how many ignore patterns there may be. Each file is compared with each of them.
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
		m, _ := patternmatcher.New(patterns) // each is known to be good
		return m
	}
	return r, nil
}

func (r ignoreRules) match(p string, parent state) (bool, state) {
	m := r.matchers.Get().(*patternmatcher.PatternMatcher)
	defer r.matchers.Put(m)
	ignored, s, _ := m.MatchesUsingParentResults(p, parent) // its errors are those of bad patterns
	return ignored, s
}

// top judges the directories on the way as well: what lies in an ignored one is ignored.
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

// mayHold says whether something below an ignored directory may be taken back by a negated pattern.
func (r ignoreRules) mayHold(dir string) bool {
	parts := strings.Split(dir, "/")
	for _, pattern := range r.negated {
		if mayMatchBelow(pattern, parts) {
			return true
		}
	}
	return false
}

// mayMatchBelow errs on the side of entering: a component with "**" may stand for any number of them.
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
