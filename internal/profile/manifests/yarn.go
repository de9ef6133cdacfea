package manifests

import (
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// The files of yarn.
const (
	YarnLock  = "yarn.lock"
	yarnRC1   = ".yarnrc"     // settings of yarn 1
	yarnRC    = ".yarnrc.yml" // settings of later versions
	yarnFiles = ".yarn/"      // where later versions keep patches and plugins
)

// YarnSettings are yarn's files of settings.
var YarnSettings = []string{yarnRC1, yarnRC}

// YarnLocked is what yarn's lock file says about the project.
type YarnLocked struct {
	Version    string   // of the file's format, from yarn 2 on; empty: yarn 1
	Workspaces []string // directories of workspace members, from yarn 2 on
	Local      []string // files and directories that dependencies are made of, and patches
}

var (
	yarnVersion   = regexp.MustCompile(`(?m)^__metadata:\r?\n  version: (\d+)`)
	yarnEntry     = regexp.MustCompile(`(?m)^("?)[^\s#].*:\r?$`)
	yarnWorkspace = regexp.MustCompile(`@workspace:([^,":*^~]+)`)
	yarnLocal     = regexp.MustCompile(`@(?:file|portal):([^,":#]+)`)
	yarnPatch     = regexp.MustCompile(`#(?:~/|\./)?([^,"#:!]+\.(?:patch|diff))`)
	yarnMirror    = regexp.MustCompile(`(?m)^"?yarn-offline-mirror"?[ \t]+"?([^"\r\n]+)`)
)

// ParseYarnLock reads the lock file of any version of yarn. The names of its entries say all that is asked for here. It finds nothing in a
// file that is no lock file: yarn says what is wrong with it.
func ParseYarnLock(data []byte) YarnLocked {
	var lock YarnLocked
	if m := yarnVersion.FindSubmatch(data); m != nil {
		lock.Version = string(m[1])
	}
	add := func(list *[]string, matches [][]string) {
		for _, m := range matches {
			if name, err := url.PathUnescape(m[1]); err == nil {
				*list = append(*list, path.Clean(strings.TrimPrefix(name, "~/")))
			}
		}
	}
	for _, entry := range yarnEntry.FindAllString(string(data), -1) {
		add(&lock.Workspaces, yarnWorkspace.FindAllStringSubmatch(entry, -1))
		add(&lock.Local, yarnLocal.FindAllStringSubmatch(entry, -1))
		add(&lock.Local, yarnPatch.FindAllStringSubmatch(entry, -1))
	}
	return lock
}

// YarnFiles returns the further files that yarn needs besides package.json and its lock file, sorted: settings, the manifests of the
// workspace, patches, plugins, archives, and the files of directories that it copies. It leaves out what the project does not have: yarn
// says what it misses. A token in the settings is a [*projectfile.Error].
func YarnFiles(fsys fs.FS) ([]string, error) {
	if err := noYarnToken(fsys); err != nil {
		return nil, err
	}
	data, _ := projectfile.ReadFile(fsys, YarnLock, projectfile.LockLimit) // whoever hashes it reports that it cannot be read
	lock := ParseYarnLock(data)
	members, err := memberManifests(fsys, lock.Workspaces)
	if err != nil {
		return nil, err
	}
	files := slices.Concat(YarnSettings, members)
	local := append(lock.Local, yarnFiles+"patches", yarnFiles+"plugins")
	settings, err := projectfile.ReadOptional(fsys, yarnRC1)
	if m := yarnMirror.FindSubmatch(settings); m != nil {
		local = append(local, path.Clean(string(m[1])))
	}
	for _, name := range local {
		files = append(files, filesAt(fsys, name)...)
	}
	return existing(fsys, files), err
}

// yarnToken matches a token in yarn's settings. A reference to a variable, as in ${NPM_TOKEN}, is none.
var yarnToken = regexp.MustCompile(`(?i)\bnpmAuth(?:Token|Ident)"?\s*:\s*["']?` + notVariable + `|_(?:auth|authToken|password)"?[ \t]+"?[^\s"$=]|://[^/\s:@]*:[^/\s@$][^/\s@]*@`)

// noYarnToken returns an error if yarn's settings hold a token. Without them yarn would install something else.
func noYarnToken(fsys fs.FS) error {
	err := noToken(fsys, yarnRC1, yarnToken, "move it to .npmrc, and give that as the secret: --secret id=npmrc,src=.npmrc")
	if err == nil {
		err = noToken(fsys, yarnRC, yarnToken, "remove it, and give it in a file of the same form as the secret: --secret id=yarnrc,src=FILE")
	}
	return err
}
