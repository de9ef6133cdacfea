package planning

import "github.com/rtbuild/rtbuild/internal/plan"

// reference is a reference to look up.
type reference struct {
	role, ref string
	own       bool // in the repository that the build publishes to
	published bool // the build may publish this tag
}

// references returns what to look up. Images that save the most work come first: the source image, the build image, deps images of
// these lock files, then deps images of this base and version. The own repository comes before those of Reuse.
func (r *Request) references() []reference {
	images := r.Input.Tags.Images
	var all []reference
	if images.Source != "" && r.Input.Stage != plan.StageDeps {
		all = append(all, reference{role: RoleSource, ref: images.Source, own: true, published: true})
	}
	if images.Build != "" && r.Input.Stage != plan.StageDeps {
		all = append(all, reference{role: RoleBuild, ref: images.Build, own: true, published: true})
	}
	if images.Lock == "" || r.Input.Deps != "" { // a given deps image makes others needless
		return all
	}
	all = append(all, reference{role: RoleLock, ref: images.Lock, own: true, published: true})
	for _, repository := range r.Reuse {
		all = append(all, reference{role: RoleLock, ref: repository + ":" + r.Input.Tags.Lock})
	}
	all = append(all, reference{role: RoleVersioned, ref: images.Versioned, own: true, published: true})
	all = append(all, r.previous(r.Input.Tags.Repository, true)...)
	for _, repository := range r.Reuse {
		all = append(all, reference{role: RoleVersioned, ref: repository + ":" + r.Input.Tags.Versioned})
		all = append(all, r.previous(repository, false)...)
	}
	return all
}

// previous returns the previous version's versioned tag in a repository, if the user names that version. The build never
// publishes it.
func (r *Request) previous(repository string, own bool) []reference {
	if r.PreviousTag == "" {
		return nil
	}
	return []reference{{role: RoleVersioned, ref: repository + ":" + r.PreviousTag, own: own}}
}
