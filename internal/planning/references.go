package planning

import "github.com/rtbuild/rtbuild/internal/plan"

// reference is what a Looker is asked about.
type reference struct {
	role, ref string
	own       bool // in the repository that is published to
	published bool // this very tag may be published
}

// references lists what to ask about. What leaves the least to do comes first: the source image, deps images of these lock
// files, deps images of this base and version. The own repository comes before those of Reuse.
func (r *Request) references() []reference {
	images := r.Input.Tags.Images
	var all []reference
	if images.Source != "" && r.Input.Stage != plan.StageDeps {
		all = append(all, reference{role: RoleSource, ref: images.Source, own: true, published: true})
	}
	if images.Lock == "" || r.Input.Deps != "" { // a deps image that is given needs no other
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

// previous is the versioned image of the previous version in a repository, if one is named. It is never published.
func (r *Request) previous(repository string, own bool) []reference {
	if r.PreviousTag == "" {
		return nil
	}
	return []reference{{role: RoleVersioned, ref: repository + ":" + r.PreviousTag, own: own}}
}
