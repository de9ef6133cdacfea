package lint

import (
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// unhashedSources finds source paths that are copied but not hashed.
func unhashedSources(in Input) []Finding {
	var all []Finding
	for _, source := range in.Runtime.Source {
		if source.Hash || source.Optional { // only profiles define optional paths
			continue
		}
		all = append(all, UnhashedSource.found(in.field("source."+source.Path),
			"%s is copied but not hashed, so a change in it does not give a new tag: write hash: true, or leave it out of source", source.Path))
	}
	return all
}

// secret is a kind of file that contains secrets.
type secret struct {
	what     string
	names    []string       // patterns of the file's name; one with a slash is the end of its path
	contents *regexp.Regexp // matches a secret in the content; nil if the name suffices
}

var secretFiles = []secret{
	{"a file of environment variables", []string{".env", ".env.*"}, nil},
	{"a private key", []string{"*.pem", "*.key"}, regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)},
	{"a private key", []string{"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"}, nil},
	{"a store of private keys", []string{"*.p12", "*.pfx", "*.jks"}, nil},
	{"a file of npm's tokens", []string{".npmrc"}, manifests.NPMToken},
	{"a file of passwords", []string{".netrc", "_netrc", ".git-credentials"}, nil},
	{"a file of credentials", []string{"credentials.json", ".aws/credentials", ".docker/config.json"}, nil},
}

// exampleEnds are the suffixes of example files, which contain no secrets.
var exampleEnds = []string{".example", ".sample", ".template", ".dist"}

// maxSecret limits how many bytes of a file are searched.
const maxSecret = 1 << 20

// secrets finds files in the source and among the dependency files that look like secrets. Findings do not show their content.
func secrets(in Input) []Finding {
	var all []Finding
	for _, file := range in.Copied {
		if what := in.secretIn(file); what != "" {
			all = append(all, SecretInSource.found(projectfile.SourceLocation{File: file}, "%s looks like %s, and everybody who can pull the image could read it: "+
				"%s, and pass it to the agent at run time", file, what, howToLeaveOut(in)))
		}
	}
	for _, file := range in.Runtime.Dependencies.Files {
		if what := in.secretIn(file); what != "" && !slices.Contains(in.Copied, file) {
			all = append(all, SecretInSource.found(in.field("dependencies"), "%s looks like %s, and everybody who can pull the deps image could read it: "+
				"remove it from dependencies.files, and pass it to the build as a secret%s", file, what, secretFlag(file)))
		}
	}
	return append(all, secretsInEnv(in)...)
}

// secretIn returns the kind of secret that a file seems to contain, or "".
func (in Input) secretIn(file string) string {
	for _, s := range secretFiles {
		if s.matches(file) && s.holds(in, file) {
			return s.what
		}
	}
	return ""
}

// secretFlag returns the flag that passes a file to the steps that install dependencies, or "" if they do not support it.
func secretFlag(file string) string {
	switch name := path.Base(file); name {
	case ".npmrc", ".netrc":
		return ": --secret id=" + strings.TrimPrefix(name, ".") + ",src=" + file
	}
	return ""
}

// howToLeaveOut says how to keep a file out of the image. Profile openhands does not support ignore patterns.
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
		ok, _ := path.Match(pattern, name) // all patterns are valid
		return ok
	})
}

// holds reports whether a file contains a secret. If the content cannot be read, the name decides.
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
