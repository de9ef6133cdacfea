package plan

import (
	"fmt"
	"slices"
	"strconv"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// outdated tells whether an image must be rebuilt since its base has moved or its recipe is older. That is acted upon
// only with --pull, so that two versions of rtbuild on one repository never replace each other's images for ever;
// without it, it becomes a note.
func (j *judge) outdated(img *Image) string {
	if !img.Ours() {
		return ""
	}
	why := j.baseMoved(img)
	if why == "" {
		why = j.olderRecipe(img)
	}
	if why == "" || j.in.Pull {
		return why
	}
	j.note(fmt.Sprintf("%s: %s (use --pull to rebuild it)", img.Reference, why))
	return ""
}

func (j *judge) baseMoved(img *Image) string {
	was := img.Labels[ocispecs.AnnotationBaseImageDigest]
	if was == "" || j.in.BaseDigest == "" || was == j.in.BaseDigest.String() {
		return ""
	}
	return fmt.Sprintf("base %s has moved to %s", j.in.Base, j.in.BaseDigest)
}

func (j *judge) olderRecipe(img *Image) string {
	made, err := strconv.Atoi(img.Labels[LabelRecipe])
	switch {
	case err != nil || made == j.in.Recipe:
		return ""
	case made > j.in.Recipe:
		j.note(fmt.Sprintf("%s was made by a newer rtbuild (recipe %d, this one has %d)", img.Reference, made, j.in.Recipe))
		return ""
	}
	return fmt.Sprintf("it was made by an older rtbuild (recipe %d, this one has %d)", made, j.in.Recipe)
}

func (j *judge) note(s string) {
	if !slices.Contains(j.notes, s) {
		j.notes = append(j.notes, s)
	}
}
