// Package plan decides where a build starts. From a runtime's tags and the images that exist, it derives the
// variant, the reason for it, and the references to publish in their order.
//
// The package is pure: package planning asks registries what exists and calls Make.
package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// Variant says where a build starts.
type Variant string

// The variants, from least to most work.
const (
	None      Variant = "none"      // nowhere: the source image exists
	Lock      Variant = "lock"      // after deps, on the deps image of exactly these lock files
	Versioned Variant = "versioned" // after tools, on the first layers of an earlier deps image
	Scratch   Variant = "scratch"   // at the base
)

// State says whether a tag exists and can be used.
type State string

// The states. An image is Stale if it exists but was made from other inputs than the current ones.
const (
	Absent State = "absent"
	Fresh  State = "fresh"
	Stale  State = "stale"
)

// Image is an image that a registry holds for the platform.
type Image struct {
	Reference string // repository:tag
	Digest    digest.Digest
	Labels    map[string]string
	Cmd       []string            // the config's
	Config    []byte              // raw; nil if it is not needed
	Platforms []ocispecs.Platform // all platforms of the tag; empty if unknown
}

// Pinned returns the reference with the digest of this image.
func (i *Image) Pinned() string { return i.Reference + "@" + i.Digest.String() }

// Ours reports whether rtbuild made the image. Other images, including the original's, lack rtbuild's labels.
func (i *Image) Ours() bool { return i.Labels[labels.Stage] != "" }

// Input is everything that a plan is made from.
type Input struct {
	Tags tags.Set
	Base string // the base image as the user wrote it

	// BaseDigest is the current digest of the base's tag; empty if it is unknown.
	BaseDigest digest.Digest
	Tree       string // digest of everything to copy (tags.Tree.Copied)
	Tools      string // digest of what system and tools are made from
	// Cmd is the source image's command; nil keeps the base's. If it comes from a manifest that is not part of the source, it
	// is not in any tag.
	Cmd        []string
	DepsDigest string   // digest of all inputs up to deps (tags.Tree.DepsDigest)
	DepsNotes  []string // what the user should know about a deps image that is built
	Recipe     int      // recipe number of this rtbuild

	// The images that exist for the platform: the source image, and deps images under the lock and the versioned tag, in
	// order of preference.
	Source    *Image
	Lock      []*Image
	Versioned []*Image
	Build     *Image // the build image

	// Tests is set if a source image counts only if its tests were run. The tests are in the source tag.
	Tests bool

	// Foreign accepts a deps image under the lock tag that rtbuild did not make. The build then removes the directories of
	// its old source, so the dependencies must be elsewhere.
	Foreign bool

	// Deps describes the deps image that the user gives. If it is set, no other is considered.
	Deps string

	Stage   string  // the image to build: StageSource (the default) or StageDeps
	Force   bool    // ignore what exists
	Pull    bool    // rebuild what was made from an older base or by an older recipe
	Variant Variant // the variant that the user asks for; empty chooses one

	Spelling Spelling
}

// Spelling is how the reader of a plan gives the options that reasons and notes name.
type Spelling struct {
	Force, Pull string // the options of these names
	Versioned   string // that the user asks for the variant
}

// Plan is what a build does.
type Plan struct {
	Variant Variant
	From    string // the image that the build starts from, pinned if its digest is known
	Entry   *Image // the image behind From; nil for scratch
	Reason  string
	Build   string           // the build image to run the build command on, pinned; empty: there is none yet, or nothing is built
	Exists  map[string]State // by "source", "lock", "versioned", and "build" if there is a build command
	Publish []string         // references, in the order of publishing
	Notes   []string         // what the user should know about Entry, and about what is built
}

// Make returns the plan. It fails if the requested variant cannot be built, or with a *tags.InputError if the base is not a
// valid reference.
func Make(in Input) (*Plan, error) {
	name, err := tags.FullName(in.Base)
	if err != nil {
		return nil, err
	}
	j := newJudge(in, name)
	p := j.choose()
	if in.Variant != "" && in.Variant != p.Variant {
		if p, err = j.forVariant(in.Variant); err != nil {
			return nil, err
		}
	}
	if j.build != nil && p.Variant != None {
		p.Build = j.build.Pinned()
	}
	p.Exists, p.Notes = j.exists, j.notes(p)
	if p.Variant == Scratch || p.Variant == Versioned {
		p.Notes = append(p.Notes, in.DepsNotes...)
	}
	p.Publish = publish(in.Tags.Images, p.Variant, in.Stage, p.Build == "")
	return p, nil
}

// publish returns the references that a variant publishes, in order. The source tag comes last, so that an existing source
// tag can be trusted. Without a repository there are none.
func publish(images tags.Images, v Variant, stage string, build bool) []string {
	if images == (tags.Images{}) || v == None {
		return nil
	}
	all := publishedDeps(images, v)
	if stage == StageDeps {
		return all
	}
	if build && images.Build != "" {
		all = append(all, images.Build)
	}
	return append(all, images.Source)
}

// publishedDeps returns the references of the deps image that a variant makes.
func publishedDeps(images tags.Images, v Variant) []string {
	switch v {
	case Lock:
		return nil
	case Versioned:
		return []string{images.Lock}
	default:
		return []string{images.Lock, images.Versioned}
	}
}

// judge decides which of the existing images can be used.
type judge struct {
	in                             Input
	base                           string // the base's full name
	source, lock, versioned, build *Image // nil if no image can be used
	exists                         map[string]State
	why                            map[string]string // why an existing image cannot be used
}

func newJudge(in Input, base string) *judge {
	j := &judge{in: in, base: base, exists: map[string]State{}, why: map[string]string{}}
	j.source = j.first("source", []*Image{in.Source}, j.staleSource)
	j.lock = j.first("lock", in.Lock, j.staleLock)
	j.versioned = j.first("versioned", in.Versioned, j.staleVersioned)
	if in.Tags.Build != "" {
		j.build = j.first("build", []*Image{in.Build}, j.staleBuild)
	}
	return j
}

// first returns the first usable candidate, or nil, and records the state of the role.
func (j *judge) first(role string, candidates []*Image, stale func(*Image) string) *Image {
	j.exists[role] = Absent
	for _, img := range candidates {
		if img == nil {
			continue
		}
		why := stale(img)
		if why == "" && j.in.Pull {
			why = j.outdated(img)
		}
		if why == "" {
			j.exists[role] = Fresh
			return img
		}
		j.exists[role], j.why[role] = Stale, why
	}
	return nil
}

func (j *judge) staleSource(img *Image) string {
	switch got := img.Labels[labels.SourceDigest]; got {
	case j.in.Tree:
		if j.otherCommand(img) {
			return "its command differs"
		}
		if j.in.Tests && img.Labels[labels.Untested] != "" {
			return "its tests were left out"
		}
		return j.otherDeps(img)
	case "":
		return "it has no label for its source files"
	default:
		return "its source files differ"
	}
}

// otherCommand reports whether a source image has a different command. The tag cannot tell if the command comes from a
// manifest that is not part of the source.
func (j *judge) otherCommand(img *Image) bool {
	if label, ok := img.Labels[labels.Command]; ok {
		return label != labels.CommandValue(j.in.Cmd)
	}
	return j.in.Cmd != nil && !slices.Equal(img.Cmd, j.in.Cmd)
}

func (j *judge) staleLock(img *Image) string {
	switch {
	case img.Ours() && img.Labels[labels.Stage] != StageDeps:
		return "it is not a deps image"
	case !img.Ours() && !j.in.Foreign:
		return "it was not made by rtbuild, and its source cannot be separated from its dependencies"
	}
	if img.Ours() && img.Labels[ocispecs.AnnotationBaseImageName] != "" && j.otherBase(img) {
		return j.madeFrom(img)
	}
	return j.otherDeps(img)
}

// staleBuild says why a build image cannot be used, or returns "".
func (j *judge) staleBuild(img *Image) string {
	switch {
	case j.in.Force:
		return "rebuild forced"
	case img.Labels[labels.Stage] != StageBuild:
		return "it is not a build image"
	case j.otherBase(img):
		return j.madeFrom(img)
	}
	return j.otherDeps(img)
}

// otherDeps says why an image's dependencies are stale, or returns "". The lock tag cannot tell: it is a short hash over texts
// without separators. An image without the label is accepted (see notes).
func (j *judge) otherDeps(img *Image) string {
	if made := img.Labels[labels.DepsDigest]; made != "" && made != j.in.DepsDigest {
		return "its lock files, base, mirrors or extra inputs differ"
	}
	return ""
}

func (j *judge) otherBase(img *Image) bool {
	return img.Labels[ocispecs.AnnotationBaseImageName] != j.base
}

func (j *judge) madeFrom(img *Image) string {
	return fmt.Sprintf("it was made from base %s, not %s", cmp.Or(img.Labels[ocispecs.AnnotationBaseImageName], "(unknown)"), j.base)
}

// staleVersioned says why an image cannot be used for versioned, or returns "". It refuses other bases, and system and tools of
// other inputs. The tag cannot tell: it has only the version and the end of the base's name, in lower case.
func (j *judge) staleVersioned(img *Image) string {
	switch {
	case !img.Ours() && j.in.Variant == Versioned: // the user asked for it, and is responsible for its base
		return ""
	case !img.Ours():
		return fmt.Sprintf("it was not made by rtbuild, and its base is unknown (%s builds on it anyway)", j.in.Spelling.Versioned)
	case img.Labels[labels.Stage] != StageDeps:
		return "it is not a deps image"
	case img.Labels[labels.ToolsDigest] != j.in.Tools:
		return "its system packages, tools, user, environment or mirrors differ"
	case j.otherBase(img):
		return j.madeFrom(img)
	}
	return ""
}
