// Package plan decides where a build enters the pipeline: from a runtime's tags and from what a registry already holds
// it gives the variant, the reason in words, and what is published in which order. It is pure.
package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/tags"
)

// Variant is the place where a build enters the pipeline.
type Variant string

// The variants, from least to most work.
const (
	None      Variant = "none"      // the source image is there
	Lock      Variant = "lock"      // after deps, on the deps image of these very lock files
	Versioned Variant = "versioned" // after tools, on the first layers of an earlier deps image
	Scratch   Variant = "scratch"   // at the base
)

// ParseVariant reads a variant's name.
func ParseVariant(s string) (Variant, error) {
	all := []Variant{None, Lock, Versioned, Scratch}
	if v := Variant(s); slices.Contains(all, v) {
		return v, nil
	}
	return "", fmt.Errorf("invalid variant %q: it is one of none, lock, versioned, scratch", s)
}

// State says what is known of a tag.
type State string

// An image is Stale if it is there but was made from something else than what the tag stands for today.
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
	Config    []byte              // raw; nil if it was not kept
	Platforms []ocispecs.Platform // all that the tag holds; empty if that is not known
}

// Pinned is the reference with the digest that the plan saw.
func (i *Image) Pinned() string { return i.Reference + "@" + i.Digest.String() }

// Ours reports whether rtbuild made the image. Others, those of the original among them, carry no labels of ours.
func (i *Image) Ours() bool { return i.Labels[LabelStage] != "" }

// Input is everything that a plan is made from.
type Input struct {
	Tags tags.Set
	Base string // the base image as the user wrote it

	// BaseDigest is what the base's tag points to today; empty if that could not be learned.
	BaseDigest digest.Digest
	Tree       string // digest of everything that would be copied
	Tools      string // digest of what system and tools are made from
	// Cmd is the source image's command; nil is the base's. It may come from a manifest that is not part of the source, and is
	// in no tag then.
	Cmd        []string
	DepsDigest string // digest of what all up to deps is made from (tags.Tree.DepsDigest)
	Recipe     int    // this rtbuild's

	// What exists for the platform: the source image, and candidates for lock and versioned in order of preference.
	Source    *Image
	Lock      []*Image
	Versioned []*Image

	// Foreign allows a lock image that rtbuild did not make as a start. Its old source is then removed by directory, which
	// needs dependencies that live elsewhere.
	Foreign bool

	// Deps says where the deps image is from that the user gives to stand on: then no other is considered.
	Deps string

	Stage   string  // the image that is wanted: StageSource, also if it is empty, or StageDeps
	Force   bool    // ignore what exists
	Pull    bool    // rebuild what was made from an older base or by an older recipe
	Variant Variant // enter here; empty chooses
}

// Plan is what a build does.
type Plan struct {
	Variant Variant
	From    string // the image the build enters on, pinned by digest where it is known
	Entry   *Image // the image behind From; nil for scratch
	Reason  string
	Exists  map[string]State // by "source", "lock", "versioned"
	Publish []string         // references in the order in which they are published
	Notes   []string         // what was seen and not acted upon
}

// Make gives the plan. It fails only if a variant is asked for that cannot be entered, or if the base has no name.
func Make(in Input) (*Plan, error) {
	name, err := tags.FullName(in.Base)
	if err != nil {
		return nil, err
	}
	j := newJudge(in, name)
	p := j.choose()
	if in.Variant != "" && in.Variant != p.Variant {
		if p, err = j.asked(in.Variant); err != nil {
			return nil, err
		}
	}
	p.Exists, p.Notes = j.exists, j.remarks(p)
	p.Publish = publish(in.Tags.Images, p.Variant, in.Stage)
	return p, nil
}

// publish orders the tags that a variant makes: a source tag that exists can only be trusted if it comes last. Where no
// repository is named, there are none.
func publish(images tags.Images, v Variant, stage string) []string {
	if images == (tags.Images{}) {
		return nil
	}
	all := publishAll(images, v)
	if stage == StageDeps && len(all) > 0 {
		return all[:len(all)-1]
	}
	return all
}

func publishAll(images tags.Images, v Variant) []string {
	switch v {
	case None:
		return nil
	case Lock:
		return []string{images.Source}
	case Versioned:
		return []string{images.Lock, images.Source}
	default:
		return []string{images.Lock, images.Versioned, images.Source}
	}
}

// judge holds what counts of the images that exist.
type judge struct {
	in                      Input
	base                    string // the base's name, fully spelt
	source, lock, versioned *Image // nil unless it counts
	exists                  map[string]State
	why                     map[string]string // why an existing image does not count
}

func newJudge(in Input, base string) *judge {
	j := &judge{in: in, base: base, exists: map[string]State{}, why: map[string]string{}}
	j.source = j.first("source", []*Image{in.Source}, j.staleSource)
	j.lock = j.first("lock", in.Lock, j.staleLock)
	j.versioned = j.first("versioned", in.Versioned, j.staleVersioned)
	return j
}

// first gives the first candidate that counts, and keeps the state of the role.
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
	switch got := img.Labels[LabelSourceTree]; got {
	case j.in.Tree:
		if j.otherCommand(img) {
			return "its command is another one"
		}
		return j.otherDeps(img)
	case "":
		return "it does not say what source it holds"
	default:
		return "it holds other source files"
	}
}

// otherCommand refuses a source image with another command: one that comes from a manifest which is not part of the source is in no tag.
func (j *judge) otherCommand(img *Image) bool {
	if said, ok := img.Labels[LabelCommand]; ok {
		return said != Command(j.in.Cmd)
	}
	return j.in.Cmd != nil && !slices.Equal(img.Cmd, j.in.Cmd)
}

func (j *judge) staleLock(img *Image) string {
	switch {
	case img.Ours() && img.Labels[LabelStage] != StageDeps:
		return "it is not a deps image"
	case !img.Ours() && !j.in.Foreign:
		return "it was not made by rtbuild, and its dependencies cannot be told from its source"
	}
	if img.Ours() && img.Labels[ocispecs.AnnotationBaseImageName] != "" && j.otherBase(img) {
		return j.madeFrom(img)
	}
	return j.otherDeps(img)
}

// otherDeps refuses an image whose dependencies were made from something else. The lock tag cannot tell: it is a short hash over
// texts with nothing in between. An image that does not say what it was made from counts (see remarks).
func (j *judge) otherDeps(img *Image) string {
	if made := img.Labels[LabelDeps]; made != "" && made != j.in.DepsDigest {
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

// staleVersioned refuses images of another base, and those whose system and tools were made from other inputs. The tag cannot
// tell: it names the version and the end of the base's name, in lower case.
func (j *judge) staleVersioned(img *Image) string {
	switch {
	case !img.Ours() && j.in.Variant == Versioned: // who asks for it knows what it is
		return ""
	case !img.Ours():
		return "it was not made by rtbuild, and does not say from which base (--variant versioned enters on it nevertheless)"
	case img.Labels[LabelStage] != StageDeps:
		return "it is not a deps image"
	case img.Labels[LabelTools] != j.in.Tools:
		return "its system packages, tools, user, environment or mirrors differ"
	case j.otherBase(img):
		return j.madeFrom(img)
	}
	return ""
}
