package lint

import (
	"fmt"
	"io"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/rtbuild/rtbuild/internal/redact"
)

// Print writes findings as docker buildx build --check prints those of a frontend: the rule, the detail, and where there
// is a place, the lines around it with marks.
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

// Source is the finding's place in BuildKit's form. It has no ranges where the file as a whole is meant, and no file where
// there is none.
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
