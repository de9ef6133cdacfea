package frontend

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/grpcerrors"
	"github.com/opencontainers/go-digest"
	"google.golang.org/grpc/codes"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/redact"
	"github.com/rtbuild/rtbuild/llb"
)

// language is the language of runtime.yaml in source maps.
const language = "YAML"

// file is the runtime file. It points errors at lines.
type file struct {
	source  *dockerui.Source  // for messages and provenance with mode=max, without credentials
	data    []byte            // the file's contents
	args    map[string]string // build arguments, which override the file
	runtime *profile.Runtime  // nil until it has been read
}

func readFile(ctx context.Context, ui *dockerui.Client) (*file, error) {
	source, err := ui.ReadEntrypoint(ctx, language)
	if err != nil {
		return nil, readError(err)
	}
	f := &file{source: source, data: source.Data, args: ui.BuildArgs}
	source.Data = []byte(redact.Text(string(source.Data)))
	if line := firstInstruction(source.Data); line > 0 {
		err := fmt.Errorf("%s is a Dockerfile, not a runtime file: remove the line \"# syntax=...\" at its top to build it with "+
			"Docker's own frontend, or name the runtime file with -f runtime.yaml", source.Filename)
		return nil, f.at(err, line, line)
	}
	return f, nil
}

// readError returns the error for a runtime file that could not be read.
func readError(err error) error {
	text := strings.TrimPrefix(err.Error(), "failed to read dockerfile: ")
	switch {
	case grpcerrors.Code(err) == codes.Canceled:
		return err
	case strings.Contains(text, "no such file or directory"):
		return errors.New("no such runtime file: name it with -f, relative to the context: " + text)
	}
	return errors.New("reading the runtime file: " + text) // see locate
}

var instructionPattern = regexp.MustCompile(`(?i)^\s*(FROM|ARG)\s+[^\s:]`)

// firstInstruction returns the line of a Dockerfile's first instruction, or 0 if the file is not a Dockerfile.
func firstInstruction(data []byte) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		trimmed := bytes.TrimSpace(line)
		if len(trimmed) == 0 || trimmed[0] == '#' {
			continue
		}
		if instructionPattern.Match(line) {
			return i + 1
		}
		return 0
	}
	return 0
}

// location points at a field of the file.
func (f *file) location(field string) bkllb.ConstraintsOpt {
	first, last := f.lines(field)
	return f.source.Location(ranges(first, last))
}

func (f *file) lines(field string) (first, last int) {
	if f.runtime == nil || f.argOf(field) != "" {
		return 1, 1
	}
	at := f.runtime.Location(field)
	return max(1, at.First), max(1, at.Last)
}

// argOf returns the build argument that set a field, or "" if none did.
func (f *file) argOf(field string) string {
	if name := argOf(field); f.args[name] != "" {
		return name
	}
	return ""
}

// locate points an error at the line that caused it, in the runtime file or another file of the project.
func (f *file) locate(err error) error {
	if err == nil || grpcerrors.Code(err) == codes.Canceled {
		return err
	}
	var fault *projectfile.Error
	if errors.As(err, &fault) {
		if fault.File == f.source.Filename {
			line := max(1, fault.Line)
			return f.at(errors.New(fault.Summary()+versionHint(fault)), line, line)
		}
		return errdefs.WithSource(errors.New(fault.File+": "+fault.Summary()), &errdefs.Source{
			Info:   &pb.SourceInfo{Filename: fault.File, Data: []byte(redact.Text(string(fault.Data)))},
			Ranges: ranges(fault.Line, fault.Line),
		})
	}
	var vertex *errdefs.VertexError
	if errors.As(err, &vertex) {
		return stepError(err, vertex)
	}
	// gRPC sends back only the text of an error that came from the builder, and drops what wraps it. So make a new error of the whole text.
	text := errors.New(err.Error())
	var of *llb.FieldError
	var image *imagebuild.ImageError
	switch {
	case errors.As(err, &of):
		return f.atField(text, of.Field)
	case errors.As(err, &image):
		return f.atField(text, "base")
	case len(errdefs.Sources(err)) > 0:
		return err
	}
	return text
}

// versionHint returns a hint for a name that this frontend does not know: the file may need a newer one.
func versionHint(fault *projectfile.Error) string {
	if !strings.HasPrefix(fault.Message, "unknown ") {
		return ""
	}
	return " (this is rtbuild-frontend " + Version + "; a newer one may know it)"
}

// stepError returns a short error for a failed step. The builder already shows the step's output and the line that causes it.
func stepError(err error, vertex *errdefs.VertexError) error {
	var exit *gatewaypb.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	failed := errdefs.WrapVertex(fmt.Errorf("step %s failed: exit code %d", cmp.Or(llb.FailedStep(err.Error()), "of the image"), exit.ExitCode), digest.Digest(vertex.Digest))
	for _, source := range errdefs.Sources(err) {
		failed = errdefs.WithSource(failed, source)
	}
	return failed
}

// atField returns err with the lines of a field.
func (f *file) atField(err error, field string) error {
	if name := f.argOf(field); name != "" {
		err = fmt.Errorf("%w (set by build argument %s)", err, name)
	}
	first, last := f.lines(field)
	return f.at(err, first, last)
}

// at returns err with lines of the runtime file.
func (f *file) at(err error, first, last int) error {
	s := f.source
	return errdefs.WithSource(err, &errdefs.Source{
		Info:   &pb.SourceInfo{Filename: s.Filename, Language: s.Language, Data: s.Data, Definition: s.Definition.ToPB()},
		Ranges: ranges(first, last),
	})
}

func ranges(first, last int) []*pb.Range {
	if first == 0 {
		return nil
	}
	return []*pb.Range{{Start: &pb.Position{Line: int32(first)}, End: &pb.Position{Line: int32(last)}}}
}
