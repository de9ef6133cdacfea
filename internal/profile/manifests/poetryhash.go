package manifests

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// The parts of a manifest that Poetry's content hash covers. It takes the legacy ones for null if there are none, but only in manifests that
// have none of the standard's parts. The rule is that of Poetry 2.5 (poetry/packages/locker.py), which reads the lock files of all others.
var (
	poetryHashLegacy  = []string{"dependencies", "source", "extras", "dev-dependencies"}
	poetryHashProject = []string{"requires-python", "dependencies", "optional-dependencies"}
)

// generatedByOld is the first line of lock files of Poetry before 2.3, whose content hash does not cover dependency groups.
var generatedByOld = regexp.MustCompile(`^[^\n]*Poetry ([01]\.|2\.[0-2][.\s])`)

// CheckPoetryLock returns a [*projectfile.Error] if poetry.lock was not made for the requirements of the project: Poetry writes their hash into
// it. A lock file without a hash, and a manifest that only Poetry can hash, are for Poetry to refuse.
func CheckPoetryLock(fsys fs.FS, p *PythonProject) error {
	file, text, err := readTOML(fsys, poetryLockName, projectfile.LockLimit)
	written := file.table("metadata").text("content-hash")
	if err != nil || written == "" || p == nil {
		return err
	}
	hashes := []bool{true}
	if generatedByOld.Match(text.Data) {
		hashes = []bool{true, false}
	}
	for _, withGroups := range hashes {
		if hash, err := p.poetryHash(withGroups); err != nil || hash == written {
			return nil
		}
	}
	line := 1 + bytes.Count(text.Data[:max(0, bytes.Index(text.Data, []byte(written)))], []byte("\n"))
	return text.At(line, 1, "run poetry lock, and commit both", "poetry.lock does not agree with %s: what it requires has changed since", p.text.Name)
}

// poetryHash returns the content hash of the manifest. It is an error if it holds a value whose JSON only Python knows.
func (p *PythonProject) poetryHash(withGroups bool) (string, error) {
	standard, groups := table{}, table{}
	for _, key := range poetryHashProject {
		if value, ok := p.standard[key]; ok {
			standard[key] = value
		}
	}
	if withGroups {
		groups = p.file.table("dependency-groups")
	}
	older := table{}
	for _, key := range append(slices.Clone(poetryHashLegacy), "group") {
		value, ok := p.poetry[key]
		if ok || key != "group" && len(standard) == 0 && len(groups) == 0 {
			older[key] = value
		}
	}
	content := table{}
	if len(standard) > 0 {
		content["project"] = standard
	}
	if len(groups) > 0 {
		content["dependency-groups"] = groups
	}
	if len(content) == 0 {
		content = older
	} else {
		content["tool"] = table{"poetry": older}
	}
	var text strings.Builder
	if err := pythonJSON(&text, content); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:]), nil
}

var errNoJSON = errors.New("only Python knows the value's JSON")

// pythonJSON writes a value as Python's json.dumps does with sorted keys.
func pythonJSON(to *strings.Builder, value any) error {
	switch v := value.(type) {
	case nil:
		to.WriteString("null")
	case bool, int64:
		fmt.Fprint(to, v)
	case string:
		to.WriteString(asciiJSON(v))
	case []any:
		return jsonList(to, "[]", len(v), func(i int) error { return pythonJSON(to, v[i]) })
	case table:
		keys := slices.Sorted(maps.Keys(v))
		return jsonList(to, "{}", len(keys), func(i int) error {
			to.WriteString(asciiJSON(keys[i]) + ": ")
			return pythonJSON(to, v[keys[i]])
		})
	default:
		return errNoJSON
	}
	return nil
}

// jsonList writes items between two brackets.
func jsonList(to *strings.Builder, brackets string, length int, item func(int) error) error {
	to.WriteByte(brackets[0])
	for i := range length {
		if i > 0 {
			to.WriteString(", ")
		}
		if err := item(i); err != nil {
			return err
		}
	}
	to.WriteByte(brackets[1])
	return nil
}

// asciiJSON returns a string as JSON in ASCII alone.
func asciiJSON(text string) string {
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string always has a JSON form
	var all strings.Builder
	for _, r := range strings.TrimSuffix(plain.String(), "\n") {
		switch {
		case r < 0x7f:
			all.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			all.WriteString(`\u` + hex4(high) + `\u` + hex4(low))
		default:
			all.WriteString(`\u` + hex4(r))
		}
	}
	return all.String()
}

func hex4(r rune) string {
	text := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", max(0, 4-len(text))) + text
}
