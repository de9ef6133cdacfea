package lint

import (
	"fmt"
	"io"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/rtbuild/rtbuild/internal/redact"
)

// Print writes findings in the format of docker buildx build --check: the rule, the detail, and the marked lines with their
// context. It returns the errors of w.
func Print(w io.Writer, findings []Finding) error {
	for _, f := range findings {
		if _, err := fmt.Fprintf(w, "\nWARNING: %s\n%s\n", f.Rule, f.Detail); err != nil {
			return err
		}
		if err := f.Source().Print(w); err != nil {
			return err
		}
	}
	return nil
}

// Source returns the finding's location in BuildKit's form. It has no ranges if the finding concerns the whole file, and no
// file if the finding has none.
func (f Finding) Source() *errdefs.Source {
	if f.File == "" {
		return &errdefs.Source{}
	}
	source := &errdefs.Source{Info: &pb.SourceInfo{Filename: f.File, Data: []byte(redact.Text(string(f.Data)))}}
	if f.First > 0 && f.Data != nil {
		source.Ranges = []*pb.Range{{Start: &pb.Position{Line: int32(f.First)}, End: &pb.Position{Line: int32(f.Last)}}}
	}
	return source
}
