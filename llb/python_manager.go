package llb

import (
	_ "embed"
	"fmt"

	"github.com/moby/buildkit/client/llb"
)

// poetryRequirements are Poetry and all that it needs: versions and hashes of wheels for CPython on Linux, amd64 and arm64.
// hack/python-managers writes them.
//
//go:embed python_poetry.txt
var poetryRequirements []byte

// managerDir is the directory at which steps find a package manager of Python.
const managerDir = "/run/rtbuild-manager"

// managerPath puts the package manager behind the programs of the image: one that the image brings has precedence.
const managerPath = `export PATH="$PATH:` + managerDir + `/venv/bin"` + "\n"

// pythonManager is a package manager of Python that the index brings, unless the image has one. A step installs it by hash into a state of its
// own, which does not depend on the lock files. Steps mount it; no image holds it.
type pythonManager struct {
	name         string // of its program
	requirements []byte
}

// mount mounts the package manager.
func (m pythonManager) mount(d pythonDeps, at layerInput) llb.RunOption {
	return mountLazily(managerDir, func() llb.State {
		return at.once("manager "+m.name, func() []llb.State { return []llb.State{m.draw(d, at)} })[0]
	}, llb.SourcePath("/manager"))
}

func (m pythonManager) draw(d pythonDeps, at layerInput) llb.State {
	name := "install " + m.name + " by its hashes"
	script := d.environment(false) + fmt.Sprintf(`if command -v %[1]s >/dev/null; then exit 0; fi
"$UV" venv --quiet --python python3 %[2]s/venv
"$UV" pip install --quiet --python %[2]s/venv/bin/python --require-hashes --no-build --no-deps -r %[3]s/requirements.txt
`, m.name, managerDir, resolvedDir)
	requirements := llb.Scratch().File(llb.Mkfile("/requirements.txt", 0o644, m.requirements), llb.WithCustomName("[internal] requirements of "+m.name))
	opts := append(d.withUV(at, false), llb.AddMount(resolvedDir, requirements, llb.Readonly), llb.ReadonlyRootFS())
	run := d.g.run(d.root(at), command{StageDeps, name, script, d.user()}, d.labels(name), opts...)
	return d.keyed(run.AddMount(managerDir, d.g.emptyDir("/manager", d.g.Owner), llb.SourcePath("/manager")))
}

// poetryManager is Poetry 2.5.1, or 2.1.3 for Python 3.9. It reads the lock files of all versions since 1.0.
var poetryManager = pythonManager{"poetry", poetryRequirements}
