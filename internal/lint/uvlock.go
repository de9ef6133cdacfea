package lint

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/linter"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// staleUV is a manifest that uv.lock does not agree with.
type staleUV struct {
	at      projectfile.SourceLocation
	message string
}

const lockUV = "run uv lock, and commit both"

// staleUVLocks compares uv.lock with the manifests of the projects that uv installs the dependencies of.
func staleUVLocks(in Input) []staleUV {
	if in.Runtime.Dependencies.Manager != "uv" || in.Project == nil {
		return nil
	}
	lock, err := manifests.ReadUVLock(in.Project)
	if err != nil {
		return nil // reading the runtime reports it
	}
	var all []staleUV
	for _, file := range in.Runtime.Dependencies.Files {
		if path.Base(file) != manifests.PyprojectTOML {
			continue
		}
		p, err := manifests.ReadPythonProject(in.Project, path.Dir(file))
		if err != nil || p == nil {
			continue
		}
		if differences := lock.Compare(p); len(differences) > 0 {
			all = append(all, describeStale(file, differences))
		}
	}
	return all
}

// describeStale names the first differences, and counts the others.
func describeStale(file string, differences []manifests.LockDifference) staleUV {
	var texts []string
	for _, d := range differences[:min(len(differences), maxDifferences)] {
		texts = append(texts, d.Text)
	}
	if more := len(differences) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	first := differences[0]
	return staleUV{
		projectfile.SourceLocation{File: file, Data: first.Manifest.Data, First: first.Line, Last: first.Line},
		fmt.Sprintf("uv.lock does not agree with %s: %s", file, strings.Join(texts, "; ")),
	}
}

// uvLockOutOfStep gives one finding for each manifest that uv.lock does not agree with.
func uvLockOutOfStep(in Input) []Finding {
	var all []Finding
	for _, stale := range staleUVLocks(in) {
		all = append(all, LockOutOfStep.found(stale.at, "%s: %s", stale.message, lockUV))
	}
	return all
}

// CheckLocks returns a [*projectfile.Error] for a lock file that does not agree with its manifest, unless the settings skip the rule. The
// managers of Node.js and Poetry refuse such a lock file themselves, but only in a step. Of npm's, the error names all faults of all
// manifests. uv would have to resolve the requirements anew, and installs the lock file as it is.
func CheckLocks(in Input, settings *linter.Config) error {
	if len(Select([]Finding{{Rule: LockOutOfStep.Name}}, settings)) == 0 {
		return nil
	}
	for _, check := range []func(Input) error{checkNPMLock, checkNodeLock, checkHashedLock} {
		if err := check(in); err != nil {
			return err
		}
	}
	for _, stale := range staleUVLocks(in) {
		return projectfile.Text{Name: stale.at.File, Data: stale.at.Data}.At(stale.at.First, min(stale.at.First, 1), lockUV, "%s", stale.message)
	}
	return nil
}

// hashedLocks are the checks of lock files that hold a hash of what the manifest requires, by manager.
var hashedLocks = map[string]func(fs.FS, *manifests.PythonProject) error{"poetry": manifests.CheckPoetryLock, "pdm": manifests.CheckPDMLock}

// checkHashedLock compares the lock file of Poetry or PDM with the project's manifest.
func checkHashedLock(in Input) error {
	check, known := hashedLocks[in.Runtime.Dependencies.Manager]
	if !known || in.Project == nil {
		return nil
	}
	p, err := manifests.ReadPythonProject(in.Project, ".")
	if err != nil {
		return nil // reading the runtime reports it
	}
	return check(in.Project, p)
}

// hashedLockOutOfStep is the finding for what checkHashedLock refuses.
func hashedLockOutOfStep(in Input) []Finding {
	var fault *projectfile.Error
	if !errors.As(checkHashedLock(in), &fault) {
		return nil
	}
	at := projectfile.SourceLocation{File: fault.File, Data: fault.Data, First: fault.Line, Last: fault.Line}
	return []Finding{LockOutOfStep.found(at, "%s", fault.Summary())}
}
