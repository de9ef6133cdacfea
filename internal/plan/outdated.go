package plan

import (
	"fmt"
	"strconv"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/tags/labels"
)

// outdated says why an image that rtbuild made is out of date: an older base or an older recipe. It returns "" if it is not.
// Only --pull rebuilds such an image; otherwise it is a note. Two versions of rtbuild that share a repository would otherwise
// replace each other's images forever.
func (j *judge) outdated(img *Image) string {
	if !img.Ours() {
		return ""
	}
	if why := j.baseMoved(img); why != "" {
		return why
	}
	if made, ok := recipe(img); ok && made < j.in.Recipe {
		return fmt.Sprintf("it was made by an older rtbuild (recipe %d, this one has %d)", made, j.in.Recipe)
	}
	return ""
}

func (j *judge) baseMoved(img *Image) string {
	was := img.Labels[ocispecs.AnnotationBaseImageDigest]
	if was == "" || j.in.BaseDigest == "" || was == j.in.BaseDigest.String() {
		return ""
	}
	return fmt.Sprintf("base %s has moved to %s", j.in.Base, j.in.BaseDigest)
}

func recipe(img *Image) (number int, known bool) {
	number, err := strconv.Atoi(img.Labels[labels.Recipe])
	return number, err == nil
}

// notes returns what the user should know about the image that a plan starts from. It does not mention other images.
func (j *judge) notes(p *Plan) []string {
	img := p.Entry
	if img == nil {
		return nil
	}
	var notes []string
	note := func(format string, args ...any) {
		notes = append(notes, fmt.Sprintf("%s"+format, append([]any{img.Reference}, args...)...))
	}
	switch {
	case img.Ours():
	case p.Variant == Versioned:
		note(" was not made by rtbuild: its base is unknown; the build keeps all of its layers, so layers pile up")
	default:
		note(" was not made by rtbuild: its owner's ids are taken from the profile")
	}
	if why := j.outdated(img); why != "" {
		note(": %s (use %s to rebuild it)", why, j.in.Spelling.Pull)
	} else if made, _ := recipe(img); img.Ours() && made > j.in.Recipe {
		note(" was made by a newer rtbuild (recipe %d, this one has %d)", made, j.in.Recipe)
	}
	if p.Variant != Versioned && img.Ours() && img.Labels[labels.DepsDigest] == "" {
		note(" has no label for the inputs of its dependencies, so its tag is trusted (use %s to rebuild it)", j.in.Spelling.Force)
	}
	return notes
}
