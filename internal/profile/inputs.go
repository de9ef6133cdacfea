package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// TagInputs returns the inputs of the runtime's tags. Values at the profile's defaults do not change a tag. Other values enter the lock
// hash if system, tools or dependencies depend on them, and else the source hash. Mirrors are in no tag. Callers may replace Repository.
func (r *Runtime) TagInputs() tags.Inputs {
	d := definitionOf(r.Profile)
	in := tags.Inputs{
		Base: r.Base, Repository: r.Repository, Version: r.Version,
		NoBrowser:   d.defaults.Components["browser"] && !r.Components["browser"],
		LockFiles:   r.Dependencies.Files,
		LookIn:      d.lookIn,
		Source:      tags.Source{Original: d.original, Ignore: r.Ignore, NoCopy: d.noCopy},
		Build:       r.Build != nil,
		LockExtra:   r.lockExtra(d),
		SourceExtra: r.sourceExtra(d),
		DepsExtra:   r.depsExtra(),
	}
	for _, s := range r.Source {
		in.Source.Paths = append(in.Source.Paths, tags.Path(s))
	}
	return in
}

// extra holds the inputs that differ from their defaults.
type extra map[string]any

// add adds an input if it differs from its default. Nil and empty are equal.
func (e extra) add(name string, value, byDefault any) {
	if v, d := reflect.ValueOf(value), reflect.ValueOf(byDefault); v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
		if v.Len() == 0 && d.Len() == 0 {
			return
		}
	}
	if !reflect.DeepEqual(value, byDefault) {
		e[name] = value
	}
}

func (r *Runtime) lockExtra(d definition) map[string]any {
	e := extra{}
	e.add("packages", listOrLists(r.Packages), []string(nil))
	if d.installs && r.NoPackages() {
		e["packages"] = []string{}
	}
	components := changed(r.Components, d.defaults.Components)
	delete(components, "browser") // the original's hash covers it
	e.add("components", components, map[string]bool(nil))
	e.add("tools", r.Tools, d.defaults.Tools)
	if r.Interpreter != d.defaults.Interpreter {
		e["runtime"] = r.interpreterFacts()
	}
	if !slices.Contains(r.Dependencies.Files, manifests.PyprojectTOML) { // else its hash covers the range
		e.add("python", r.PythonRange, llb.PythonRange(""))
	}
	e.add("prefix", r.Prefix, d.defaults.Prefix)
	e.add("user", r.User, d.defaults.User)
	e.add("env", changed(r.depsEnv(), d.variables(r.Prefix)), map[string]string(nil))
	if given := r.provenance.dependencies; given.Manager != "" {
		e.add("dependencies", given, d.defaults.Dependencies)
	}
	e.add("member", r.provenance.member, "")
	e.add("project", r.importRoots(), []string(nil)) // images of older recipes lack the project, and their tags must differ
	e.add("bytecode", r.Bytecode, d.defaults.Bytecode)
	if len(r.BuildPackages) > 0 {
		e["build"] = map[string]any{"packages": listOrLists(r.BuildPackages)}
	}
	return e
}

// interpreterFacts returns the interpreter, and where it comes from if the file says so.
func (r *Runtime) interpreterFacts() map[string]string {
	facts := map[string]string{r.Interpreter.Name: r.Interpreter.Version}
	if r.Interpreter.From != "" {
		facts["from"] = r.Interpreter.From
	}
	return facts
}

// depsExtra returns the further inputs of a deps image. It omits the defaults of profiles: the recipe's number covers their changes.
// Otherwise two releases of rtbuild would keep replacing each other's images.
func (r *Runtime) depsExtra() map[string]any {
	e := extra{"profile": r.Profile, "manager": r.Dependencies.Manager}
	e.add("mirrors", r.Mirrors, map[string]string(nil))
	return e
}

func (r *Runtime) sourceExtra(d definition) map[string]any {
	e := extra{}
	e.add("source", r.Source, d.defaults.Source)
	if r.depsEnv() == nil {
		e.add("env", changed(r.Env, d.variables(r.Prefix)), map[string]string(nil))
	}
	if b := r.Build; b != nil {
		e["build"] = buildFacts(b)
	}
	e.add("ignore", r.OwnIgnore(), []string(nil))
	if r.commandMatters() {
		e["cmd"] = r.Cmd
	}
	if r.Entrypoint != nil {
		e["entrypoint"] = r.Entrypoint
	}
	if r.Workdir != r.Code() {
		e.add("workdir", r.Workdir, "")
	}
	e.add("expose", ports(r.Expose), []any(nil))
	if r.Healthcheck != nil {
		e["healthcheck"] = r.Healthcheck
	}
	e.add("stopSignal", r.StopSignal, "")
	e.add("volumes", r.Volumes, []string(nil))
	e.add("extra", r.Extra, "")
	e.add("test", r.Tests, []llb.Test(nil))
	return e
}

// commandMatters reports whether the command enters the source hash. The default of the first releases does not: so a file that says
// cmd: [npm, start] keeps its tags, and an image of an older rtbuild is never taken for one with another command.
func (r *Runtime) commandMatters() bool {
	first := r.provenance.cmd
	if r.Cmd == nil { // the base's
		return first != nil && r.Entrypoint == nil
	}
	return first == nil || !slices.Equal(r.Cmd, first) // an empty command differs from the base's
}

// listOrLists returns packages as a list, or as a map of lists if the file names them by package manager.
func listOrLists(packages map[string][]string) any {
	if len(packages) == 0 || len(packages) == 1 && packages[""] != nil {
		return packages[""]
	}
	return packages
}

// ports returns numbers, or strings for protocols other than TCP.
func ports(expose []string) []any {
	var all []any
	for _, text := range expose {
		number, isTCP := strings.CutSuffix(text, "/tcp")
		if n, err := strconv.Atoi(number); isTCP && err == nil {
			all = append(all, n)
			continue
		}
		all = append(all, text)
	}
	return all
}

// changed returns the entries that differ from the default.
func changed[V comparable](values, byDefault map[string]V) map[string]V {
	diff := map[string]V{}
	for name, value := range values {
		if d, known := byDefault[name]; !known || d != value {
			diff[name] = value
		}
	}
	return diff
}

// ToolsDigest returns "sha256:..." over all inputs of system and tools but the base. With it, a later build decides whether it can reuse
// these stages. It covers mirrors, because some files from them have no checksum (micromamba's python and poetry).
func (r *Runtime) ToolsDigest() string {
	facts := map[string]any{
		"profile":     r.Profile,
		"packages":    nonNil(r.Packages),
		"components":  nonNil(r.Components),
		"tools":       append([]Tool{}, r.Tools...),
		"interpreter": r.Interpreter,
		"prefix":      r.Prefix,
		"user":        r.User,
		"env":         nonNil(r.depsEnv()),
	}
	if r.NoPackages() {
		facts["packages"] = []string{}
	}
	if r.Bytecode != definitionOf(r.Profile).defaults.Bytecode {
		facts["bytecode"] = r.Bytecode
	}
	if r.PythonRange != "" {
		facts["python"] = r.PythonRange
	}
	if len(r.Mirrors) > 0 {
		facts["mirrors"] = r.Mirrors
	}
	raw, _ := json.Marshal(facts) // strings, numbers and booleans always have a JSON form
	canonical, _ := jsoncanonicalizer.Transform(raw)
	sum := sha256.Sum256(canonical)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// depsEnv returns the variables that deps images have.
func (r *Runtime) depsEnv() map[string]string { return r.Image().DepsEnv() }

// nonNil returns an empty map for nil.
func nonNil[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}
