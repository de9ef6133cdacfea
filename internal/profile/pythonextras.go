package profile

import (
	"path"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/llb"
)

// choice returns the extras and groups that the file chooses.
func (r *Runtime) choice() manifests.Choice {
	return manifests.Choice{Extras: r.Dependencies.Extras, Groups: r.Dependencies.Groups}
}

// completeExtras looks up the extras and groups in the project that the manager begins with. A name that it does not have is an error.
func (r *Runtime) completeExtras(root *manifests.PythonProject) (err error) {
	if r.provenance.extras.Extras, err = r.known("extra", r.Dependencies.Extras, root.Extras()); err != nil {
		return err
	}
	r.provenance.extras.Groups, err = r.known("group", r.Dependencies.Groups, root.Groups(r.Dependencies.Manager))
	return err
}

// known returns names as the project writes them.
func (r *Runtime) known(what string, names, known []string) ([]string, error) {
	var all []string
	for _, name := range names {
		i := slices.IndexFunc(known, func(k string) bool { return llb.NormalName(k) == name })
		if i < 0 {
			hint := "leave it out, because the project has no " + what + "s"
			if len(known) > 0 {
				hint = "known are " + strings.Join(known, ", ")
				if near := runtimefile.Suggest(name, known); near != hint {
					hint = near + " " + hint
				}
			}
			return nil, r.file().FieldErrorf("dependencies", hint, "%s has no %s %q", path.Join(r.firstDir(), manifests.PyprojectTOML), what, name)
		}
		all = append(all, known[i])
	}
	return all, nil
}

// pdmGroups returns the groups of a pdm.lock that are installed. It takes extras for groups, too, and writes all names in normalised form.
func (r *Runtime) pdmGroups() []string {
	return slices.Concat([]string{manifests.PDMDefault}, r.Dependencies.Extras, r.Dependencies.Groups)
}
