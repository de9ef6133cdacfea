package manifests

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// The files of bun.
const (
	BunLock   = "bun.lock"
	BunBinary = "bun.lockb" // the lock file of bun 1.1 and older, which no other program can read
	bunConfig = "bunfig.toml"
)

// BunSettings are bun's files of settings.
var BunSettings = []string{bunConfig}

// BunLocked is what bun's lock file says about the project.
type BunLocked struct {
	Version    string   // lockfileVersion; empty if there is none
	Workspaces []string // directories of workspace members
	Local      []string // archives, directories and patches
}

var (
	bunVersion = regexp.MustCompile(`^  "lockfileVersion": (\d+)`)
	bunSection = regexp.MustCompile(`^  "(\w+)"`)
	bunMember  = regexp.MustCompile(`^    "([^"]+)": \{`)
	bunPatch   = regexp.MustCompile(`^    "[^"]+": "([^"]+)"`)
	bunLocal   = regexp.MustCompile(`^    "[^"]+": \["[^"]+?@(?:file:([^"]+)|([^":@]+\.(?:tgz|tar\.gz)))"`)
)

// ParseBunLock reads bun's lock file line by line: it is JSON with commas that JSON does not have, and bun writes each entry on a line of
// its own. It finds nothing in a file that is no lock file: bun says what is wrong with it.
func ParseBunLock(data []byte) BunLocked {
	var lock BunLocked
	section := ""
	for line := range strings.Lines(string(data)) {
		if m := bunVersion.FindStringSubmatch(line); m != nil {
			lock.Version = m[1]
		}
		if m := bunSection.FindStringSubmatch(line); m != nil {
			section = m[1]
		}
		switch section {
		case "workspaces":
			if m := bunMember.FindStringSubmatch(line); m != nil {
				lock.Workspaces = append(lock.Workspaces, path.Clean(m[1]))
			}
		case "patchedDependencies":
			if m := bunPatch.FindStringSubmatch(line); m != nil {
				lock.Local = append(lock.Local, path.Clean(m[1]))
			}
		case "packages":
			if m := bunLocal.FindStringSubmatch(line); m != nil {
				lock.Local = append(lock.Local, path.Clean(m[1]+m[2]))
			}
		}
	}
	return lock
}

// bunToken matches a token in bun's settings. A reference to a variable, as in $NPM_TOKEN, is none.
var bunToken = regexp.MustCompile(`\b(?:token|password)\s*=\s*["'][^"'$]|://[^/\s:@]*:[^/\s@$][^/\s@]*@`)

// BunFiles returns the further files that bun needs besides package.json and its lock file, sorted: settings, the manifests of the
// workspace, patches, archives, and the files of directories that it copies. It leaves out what the project does not have: bun says what
// it misses. A token in the settings is a [*projectfile.Error].
func BunFiles(fsys fs.FS) ([]string, error) {
	const hint = "move it to .npmrc, and give that as the secret: --secret id=npmrc,src=.npmrc"
	if err := noToken(fsys, bunConfig, bunToken, hint); err != nil {
		return nil, err
	}
	data, _ := projectfile.ReadFile(fsys, BunLock, projectfile.LockLimit) // whoever hashes it reports that it cannot be read
	lock := ParseBunLock(data)
	members, err := memberManifests(fsys, lock.Workspaces)
	if err != nil {
		return nil, err
	}
	files := slices.Concat(BunSettings, members)
	for _, name := range lock.Local {
		files = append(files, filesAt(fsys, name)...)
	}
	return existing(fsys, files), nil
}
