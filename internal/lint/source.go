package lint

import (
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// unhashedSources finds source paths of which a change gives no new tag.
func unhashedSources(in Input) []Finding {
	var all []Finding
	for _, source := range in.Runtime.Source {
		if source.Hash || source.Optional { // the optional are the profile's own
			continue
		}
		all = append(all, UnhashedSource.found(in.field("source."+source.Path),
			"%s is copied but not hashed, so a change in it gives no new tag: write hash: true, or leave it out of source", source.Path))
	}
	return all
}

// secret is a kind of file that holds secrets.
type secret struct {
	what     string
	names    []string       // patterns of a file's name, or the end of its path where they hold a slash
	contents *regexp.Regexp // what is in it; nil: the name is enough
}

var secretFiles = []secret{
	{"a file of environment variables", []string{".env", ".env.*"}, nil},
	{"a private key", []string{"*.pem", "*.key"}, regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)},
	{"a private key", []string{"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"}, nil},
	{"a store of private keys", []string{"*.p12", "*.pfx", "*.jks"}, nil},
	{"a file of npm's tokens", []string{".npmrc"}, regexp.MustCompile(`_(auth|authToken|password)\s*=\s*[^\s$]`)},
	{"a file of passwords", []string{".netrc", "_netrc", ".git-credentials"}, nil},
	{"a file of credentials", []string{"credentials.json", ".aws/credentials", ".docker/config.json"}, nil},
}

// exampleEnds are the ends of the names of files that show which variables there are.
var exampleEnds = []string{".example", ".sample", ".template", ".dist"}

// maxSecret is how much of a file is looked at.
const maxSecret = 1 << 20

// secrets finds files that come into an image and look like secrets: of the source, and of those that the dependencies are installed from.
// They are never shown.
func secrets(in Input) []Finding {
	var all []Finding
	for _, file := range in.Copied {
		if what := in.secretIn(file); what != "" {
			all = append(all, SecretInSource.found(projectfile.SourceLocation{File: file}, "%s looks like %s, and would be in the image for everybody who may pull it: "+
				"%s, and give it to the agent when it runs", file, what, howToLeaveOut(in)))
		}
	}
	for _, file := range in.Runtime.Dependencies.Files {
		if what := in.secretIn(file); what != "" && !slices.Contains(in.Copied, file) {
			all = append(all, SecretInSource.found(in.field("dependencies"), "%s looks like %s, and would be in the deps image for everybody who may pull it: "+
				"take it out of dependencies.files, and give it to the build alone%s", file, what, secretFlag(file)))
		}
	}
	return all
}

// secretIn says what kind of secrets a file holds; nothing if it seems to hold none.
func (in Input) secretIn(file string) string {
	for _, s := range secretFiles {
		if s.matches(file) && s.holds(in, file) {
			return s.what
		}
	}
	return ""
}

// secretFlag is how a file is given to the steps that install dependencies, where its kind is known there.
func secretFlag(file string) string {
	switch name := path.Base(file); name {
	case ".npmrc", ".netrc":
		return ": --secret id=" + strings.TrimPrefix(name, ".") + ",src=" + file
	}
	return ""
}

// howToLeaveOut says how a file is kept out of the image: profile openhands has no ignore patterns.
func howToLeaveOut(in Input) string {
	if len(in.Runtime.Ignore) == 0 {
		return "move it out of the source"
	}
	return "add it to ignore or .dockerignore"
}

func (s secret) matches(file string) bool {
	name := strings.ToLower(path.Base(file))
	if slices.ContainsFunc(exampleEnds, func(end string) bool { return strings.HasSuffix(name, end) }) {
		return false
	}
	return slices.ContainsFunc(s.names, func(pattern string) bool {
		if strings.Contains(pattern, "/") {
			return file == pattern || strings.HasSuffix(file, "/"+pattern)
		}
		ok, _ := path.Match(pattern, name) // the patterns are good
		return ok
	})
}

// holds says whether the content is that of a secret; where it cannot be read, the name decides.
func (s secret) holds(in Input, file string) bool {
	if s.contents == nil || in.Project == nil {
		return true
	}
	f, err := in.Project.Open(file)
	if err != nil {
		return true
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return true
	}
	return s.contents.Match(data)
}
