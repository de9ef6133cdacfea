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

	"github.com/rtbuild/rtbuild/tags"
)

// TagInputs is what the tags of the runtime depend on. What is at its profile's default leaves no trace in them; what is
// not is mixed into the lock hash if system, tools or dependencies see it, else into the source hash. Mirrors are in no tag.
// Repository is the runtime's own, and may be replaced.
func (r *Runtime) TagInputs() tags.Inputs {
	d := definitionOf(r.Profile)
	in := tags.Inputs{
		Base: r.Base, Repository: r.Repository, Version: r.Version,
		NoBrowser:   d.defaults.Components["browser"] && !r.Components["browser"],
		LockFiles:   r.Dependencies.Files,
		LookIn:      d.lookIn,
		Source:      tags.Source{Original: d.original, Ignore: r.Ignore, NoCopy: d.noCopy},
		LockExtra:   r.lockExtra(d),
		SourceExtra: r.sourceExtra(d),
		DepsExtra:   r.depsExtra(),
	}
	for _, s := range r.Source {
		in.Source.Paths = append(in.Source.Paths, tags.Path(s))
	}
	return in
}

// extra is the inputs that are not at their default.
type extra map[string]any

// add takes an input in if it differs from its default. Empty is empty, in whichever form.
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
	e.add("packages", r.packages(), []string(nil))
	if d.installs && r.NoPackages() {
		e["packages"] = []string{}
	}
	components := changed(r.Components, d.defaults.Components)
	delete(components, "browser") // the original has it in the hash already
	e.add("components", components, map[string]bool(nil))
	e.add("tools", r.Tools, d.defaults.Tools)
	if r.Interpreter != d.defaults.Interpreter {
		e["runtime"] = map[string]string{r.Interpreter.Name: r.Interpreter.Version}
	}
	e.add("prefix", r.Prefix, d.defaults.Prefix)
	e.add("user", r.User, d.defaults.User)
	e.add("env", changed(r.Env, d.variables(r.Prefix)), map[string]string(nil))
	if given := r.provenance.dependencies; given.Manager != "" {
		e.add("dependencies", given, d.defaults.Dependencies)
	}
	return e
}

// depsExtra is what else a deps image is made from. The defaults of profiles are not in it: what another release of rtbuild
// makes otherwise, the recipe's number tells, so that two releases do not replace each other's images for ever.
func (r *Runtime) depsExtra() map[string]any {
	e := extra{"profile": r.Profile, "manager": r.Dependencies.Manager}
	e.add("mirrors", r.Mirrors, map[string]string(nil))
	return e
}

func (r *Runtime) sourceExtra(d definition) map[string]any {
	e := extra{}
	e.add("source", r.Source, d.defaults.Source)
	e.add("ignore", r.OwnIgnore(), []string(nil))
	if r.Cmd != nil && (r.provenance.cmd == nil || !slices.Equal(r.Cmd, r.provenance.cmd)) { // an empty one is not the base's
		e["cmd"] = r.Cmd
	}
	if r.Entrypoint != nil {
		e["entrypoint"] = r.Entrypoint
	}
	if r.Workdir != r.Code() {
		e.add("workdir", r.Workdir, "")
	}
	e.add("expose", ports(r.Expose), []any(nil))
	e.add("extra", r.Extra, "")
	return e
}

// packages is a list, or a map of lists where they are given by package manager.
func (r *Runtime) packages() any {
	if len(r.Packages) == 0 || len(r.Packages) == 1 && r.Packages[""] != nil {
		return r.Packages[""]
	}
	return r.Packages
}

// ports are numbers, and strings only where the protocol is not TCP.
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

// changed gives the entries that are not as in the default.
func changed[V comparable](values, byDefault map[string]V) map[string]V {
	diff := map[string]V{}
	for name, value := range values {
		if d, known := byDefault[name]; !known || d != value {
			diff[name] = value
		}
	}
	return diff
}

// ToolsDigest is "sha256:..." over everything but the base that the system and tools stages are made from, so that a
// later build can tell whether it may enter behind them. Mirrors are in it, where there are any: not all that comes from them
// has a checksum (micromamba's python and poetry have none), so a mirror decides what the tools are.
func (r *Runtime) ToolsDigest() string {
	facts := map[string]any{
		"profile":     r.Profile,
		"packages":    nonNil(r.Packages),
		"components":  nonNil(r.Components),
		"tools":       append([]Tool{}, r.Tools...),
		"interpreter": r.Interpreter,
		"prefix":      r.Prefix,
		"user":        r.User,
		"env":         nonNil(r.Env),
	}
	if r.NoPackages() {
		facts["packages"] = []string{}
	}
	if len(r.Mirrors) > 0 {
		facts["mirrors"] = r.Mirrors
	}
	raw, _ := json.Marshal(facts) // strings, numbers and booleans always have a JSON form
	canonical, _ := jsoncanonicalizer.Transform(raw)
	sum := sha256.Sum256(canonical)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// nonNil gives an empty map for none: they are the same to a build.
func nonNil[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}
