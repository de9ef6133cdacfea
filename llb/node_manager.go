package llb

import (
	"cmp"
	_ "embed"
	"path"

	"github.com/moby/buildkit/client/llb"
)

// nodeManager describes how a package manager of Node.js beside npm installs: data and a script. Its program is mounted for the
// installation, and does not become part of the image.
type nodeManager struct {
	name    string // of the pinned download
	version string // as in [Interpreter]; a pinned download must satisfy it
	title   string // of the layer
	lock    string // its lock file

	program  string   // a shell pattern of the program's file, relative to the download's package
	native   bool     // the program needs no Node.js to run
	environ  string   // lines of a script that set the variables of every run
	registry string   // that it asks unless it is told another
	asked    string   // a command that prints the registry that the project names; empty: npm's
	settings []string // the variables that name the registry

	checks  []byte // the program yarn_locked.js; nil: not needed
	cache   string // the name of its cache mount
	sharing llb.CacheMountSharingMode
	secrets []secret // their targets are below the user's home; besides those of npm

	// before is a script that prepares the project's files, and install one that installs. $cache is the user's own directory in the manager's cache mount.
	before, install string

	development bool // install development dependencies, whatever NODE_ENV says
}

// nodeConstant is a program that makes equal installations equal: it removes what carries a moment.
//
//go:embed node_constant.js
var nodeConstant []byte

// nodeBin is the directory of PATH that has the package manager's program while a step runs.
const nodeBin = "/tmp/rtbuild-bin"

func (m nodeManager) layers(g *Graph) (Layers, error) {
	program, err := g.release(m.name, m.version, "dependencies")
	if err != nil {
		return nil, err
	}
	layer := Layer{Stage: StageDeps, Name: m.title, Field: "dependencies", batch: m.name, upper: func(at layerInput) llb.State {
		project := g.copiedLockFiles()
		return llb.Diff(project, m.run(g, at, program, project), append(g.uncached(at.stage), named(at.stage, "take what "+m.name+" leaves"))...)
	}}
	layers := Layers{g.withHeaders(layer).withDownload(program).withEndpoints(g.endpoints(m.registry)...)}
	if m.development {
		layers = append(layers, m.programLayer(g, program))
	}
	return layers, nil
}

func (nodeManager) path(r *Runtime) []string { return NPM{}.path(r) }
func (nodeManager) dirs(*Runtime) []string   { return nil }

// programLayer puts the program into the build image, because a build command may call it.
func (m nodeManager) programLayer(g *Graph, program file) Layer {
	return g.toolLayer(program, func() *llb.FileAction {
		bin, modules := g.Runtime.bin(), g.Runtime.Prefix+"/lib/node_modules"
		return g.mkdirAll(bin).Mkdir(path.Dir(modules), 0o755).Mkdir(modules, 0o755).
			Copy(g.unpacked(program), "/package", modules+"/"+m.name, &llb.CopyInfo{CopyDirContentsOnly: true, CreateDestPath: true}).
			Mkfile(bin+"/"+m.name, 0o755, []byte(m.launcher(modules+"/"+m.name)))
	})
}

// launcher is a shell script that starts the program, which is unpacked in a directory.
func (m nodeManager) launcher(dir string) string {
	start := "node "
	if m.native {
		start = ""
	}
	return "#!/bin/sh\n" + m.environ + "exec " + start + shellQuote(dir) + "/" + m.program + ` "$@"` + "\n"
}

// run installs the dependencies of a project, whose files are in the code directory of a state. It returns that state afterwards.
func (m nodeManager) run(g *Graph, at layerInput, program file, project llb.State) llb.State {
	code, user := g.Runtime.Code(), g.user()
	script := m.onPath() + "cd " + shellQuote(code) + "\n" + m.environment() +
		`cache="/var/cache/` + m.cache + `/$(id -u)"` + "\n" + withoutOwnScripts(m.mirrors(g)) + "node " + npmPrograms + "/node_constant.js\n"
	run := g.run(g.installerRoot(at), command{at.stage, m.title, script, user}, []llb.ConstraintsOpt{named(at.stage, m.title), g.location("dependencies")},
		m.mounts(g, program, user)...)
	return run.AddMount(code, project, llb.SourcePath(code))
}

// mounts are the program, the cache and the secrets.
func (m nodeManager) mounts(g *Graph, program file, user profileUser) []llb.RunOption {
	files := llb.Mkfile("/node_constant.js", 0o644, nodeConstant).Mkfile("/npm_scripts.js", 0o644, npmScripts)
	if m.checks != nil {
		files = files.Mkfile("/yarn_locked.js", 0o644, m.checks)
	}
	opts := append(g.headersMount(),
		llb.AddMount(npmPrograms, llb.Scratch().File(files, llb.WithCustomName("[internal] programs for node_modules")), llb.Readonly),
		mountLazily(inputs, func() llb.State { return g.unpacked(program) }, llb.SourcePath("/package")),
		g.cache("/var/cache/"+m.cache, m.sharing, m.cache),
		agent())
	for _, s := range append([]secret{{"/.npmrc", SecretNPMRC}, {"/.netrc", SecretNetrc}}, m.secrets...) {
		opts = append(opts, secretFile(user.home+s.target, s.id))
	}
	return opts
}

// onPath puts the program into PATH, because scripts of dependencies may call it.
func (m nodeManager) onPath() string {
	return "mkdir " + nodeBin + "\n" + writeFile(nodeBin+"/"+m.name, m.launcher(inputs)) + "chmod 755 " + nodeBin + "/" + m.name +
		"\nexport PATH=" + nodeBin + `:"$PATH"` + "\n"
}

// environment sets where node-gyp finds headers, and NODE_ENV. As in npm, it decides whether development dependencies are installed.
func (m nodeManager) environment() string {
	if m.development {
		return nodeGyp + "export NODE_ENV=development\n"
	}
	return nodeGyp + `export NODE_ENV="${NODE_ENV:-production}"` + "\n"
}

// mirrors makes the installation use the mirrors of the registry and of the URLs in the lock file. It restores the lock file afterwards.
func (m nodeManager) mirrors(g *Graph) string {
	edits := g.mirrorScript(everywhere...)
	if edits == "" {
		return m.before + m.install
	}
	script := m.before + writeFile("/tmp/mirrors", edits) + `registry="$(` + cmp.Or(m.asked, "npm config get registry") + ` | sed -f /tmp/mirrors)"` + "\n"
	for _, name := range m.settings {
		script += "export " + name + `="$registry"` + "\n"
	}
	return script + "cp -p " + m.lock + " /tmp/" + m.lock + "\nsed -f /tmp/mirrors /tmp/" + m.lock + " > " + m.lock + "\n" + m.install +
		"cp -p /tmp/" + m.lock + " " + m.lock + "\n"
}
