package manifests

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// The files of pnpm.
const (
	PNPMLock      = "pnpm-lock.yaml"
	PNPMWorkspace = "pnpm-workspace.yaml"
)

// PNPMSettings are files that pnpm reads if they are there. The lock file has a checksum of a pnpmfile.
var PNPMSettings = []string{PNPMWorkspace, ".pnpmfile.cjs", ".pnpmfile.mjs"}

// PNPMLocked is what pnpm's lock file says about the project. See pnpm's package lockfile.types.
type PNPMLocked struct {
	Version     string   // lockfileVersion, such as "9.0"; empty if there is none
	OldPatches  bool     // it hashes patches as pnpm 9 and older do
	Importers   []string // directories of workspace members, without "."
	Links       []string // other directories that members are linked to
	Directories []string // directories that are copied into node_modules
	Files       []string // archives and patches
}

var (
	pnpmVersion  = regexp.MustCompile(`^lockfileVersion: *['"]?([0-9.]+)`)
	pnpmImporter = regexp.MustCompile(`^  (\S.*):(?: *\{\})?$`)
	pnpmLink     = regexp.MustCompile(`^ +version: *(.*)$`)
	pnpmPath     = regexp.MustCompile(`^ +path: *(.*)$`)
	pnpmArchive  = regexp.MustCompile(`\btarball: *(['"]?file:[^,}]+)`)
	pnpmCopied   = regexp.MustCompile(`\bdirectory: *([^,}]+), *type: *directory`)
	pnpmOldHash  = regexp.MustCompile(`^ +hash: *[a-z2-7]{26}$`)
)

// ParsePNPMLock reads pnpm's lock file line by line: pnpm writes each of these values on a line of its own, and a YAML parser needs seconds
// for a large file. It finds nothing in a file that is no lock file: pnpm says what is wrong with it.
func ParsePNPMLock(data []byte) PNPMLocked {
	var lock PNPMLocked
	section, importer := "", "."
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && line[0] != ' ' {
			section, _, _ = strings.Cut(line, ":")
			importer = "."
		}
		if m := pnpmVersion.FindStringSubmatch(line); m != nil && lock.Version == "" {
			lock.Version = m[1]
		}
		switch section {
		case "importers", "dependencies", "devDependencies", "optionalDependencies":
			if m := pnpmImporter.FindStringSubmatch(line); m != nil && section == "importers" {
				importer = path.Clean(unquoted(m[1]))
				lock.Importers = append(lock.Importers, importer)
			}
			if m := pnpmLink.FindStringSubmatch(line); m != nil {
				if target, is := strings.CutPrefix(unquoted(m[1]), "link:"); is {
					lock.Links = append(lock.Links, path.Join(importer, target))
				}
			}
		case "patchedDependencies":
			if m := pnpmPath.FindStringSubmatch(line); m != nil {
				lock.Files = append(lock.Files, path.Clean(unquoted(m[1])))
			}
			lock.OldPatches = lock.OldPatches || pnpmOldHash.MatchString(line)
		case "packages":
			if m := pnpmArchive.FindStringSubmatch(line); m != nil {
				lock.Files = append(lock.Files, path.Clean(strings.TrimPrefix(unquoted(m[1]), "file:")))
			}
			if m := pnpmCopied.FindStringSubmatch(line); m != nil {
				lock.Directories = append(lock.Directories, path.Clean(unquoted(m[1])))
			}
		}
	}
	return lock
}

// unquoted returns a YAML scalar without the quotes around it. Paths hold no escapes.
func unquoted(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > 1 && (text[0] == '\'' || text[0] == '"') && text[len(text)-1] == text[0] {
		return text[1 : len(text)-1]
	}
	return text
}

// PNPMFiles returns the further files that pnpm needs besides package.json and its lock file, sorted: settings, the manifests of the
// workspace and of linked directories, patches, archives, and the files of directories that it copies. It leaves out what the project does
// not have: pnpm says what it misses.
func PNPMFiles(fsys fs.FS) ([]string, error) {
	data, _ := projectfile.ReadFile(fsys, PNPMLock, projectfile.LockLimit) // whoever hashes it reports that it cannot be read
	lock := ParsePNPMLock(data)
	patterns, patches, err := pnpmProject(fsys)
	if err != nil {
		return nil, err
	}
	members, err := findWorkspaces(fsys, patterns)
	if err != nil && (len(lock.Importers) == 0 || errors.Is(err, errOutside)) { // the lock file names the members, too
		return nil, projectfile.Text{Name: PNPMWorkspace}.At(0, 0, workspaceHint(err), "%s", err)
	}
	files := slices.Concat(PNPMSettings, lock.Files, patches)
	for dir := range members {
		files = append(files, path.Join(dir, PackageJSON))
	}
	for _, dir := range slices.Concat(lock.Importers, lock.Links) {
		files = append(files, path.Join(dir, PackageJSON))
	}
	for _, dir := range lock.Directories {
		files = append(files, filesBelow(fsys, dir)...)
	}
	return existing(fsys, files), nil
}

// pnpmProject returns the patterns of workspace members and the patches, from both places where pnpm looks for them.
func pnpmProject(fsys fs.FS) (patterns, patches []string, err error) {
	data, err := projectfile.ReadOptional(fsys, PNPMWorkspace)
	if err != nil {
		return nil, nil, err
	}
	var workspace struct {
		Packages            []string
		PatchedDependencies map[string]string `yaml:"patchedDependencies"`
	}
	_ = yaml.Unmarshal(data, &workspace) // pnpm says what is wrong with it
	for _, patch := range workspace.PatchedDependencies {
		patches = append(patches, path.Clean(patch))
	}
	fields, err := readPackageJSON(fsys)
	pnpm, _ := fields["pnpm"].(map[string]any)
	patched, _ := pnpm["patchedDependencies"].(map[string]any)
	for _, patch := range patched {
		if file, ok := patch.(string); ok {
			patches = append(patches, path.Clean(file))
		}
	}
	return workspace.Packages, patches, err
}
