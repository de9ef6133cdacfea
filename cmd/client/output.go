package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/moby/buildkit/client"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/publish"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/tags"
)

// outputOptions are the flags that say where results go, with buildx's names and meanings.
type outputOptions struct {
	outputs       []string
	push, load    bool
	metadata, iid string
}

func (o *outputOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.outputs, "output", "o", nil, "export the image: type=oci,dest=FILE, or a directory (repeatable); without --push nothing is published")
	flags.BoolVar(&o.push, "push", false, "publish, also with -o or --load")
	flags.BoolVar(&o.load, "load", false, "load the image into Docker")
	flags.StringVar(&o.metadata, "metadata-file", "", "write what the exports returned, as JSON")
	flags.StringVar(&o.iid, "iidfile", "", "write the image's digest")
}

// publishes reports whether tags in the repository are to be written.
func (o *outputOptions) publishes() bool { return o.push || len(o.outputs) == 0 && !o.load }

// exports are those that the user asked for. Images and archives without a name get the source image's; pushing under that
// name is publishing.
func (o *outputOptions) exports(ctx context.Context, source string) ([]solve.Export, error) {
	var exports []solve.Export
	for _, text := range o.outputs {
		e, err := solve.ParseOutput(text)
		if err != nil {
			return nil, err
		}
		if e.IsImage() && e.Attrs["name"] == "" && e.Attrs["push"] == "true" {
			o.push = true // publishing has an order, which is not that of exports
			continue
		}
		if e.IsNamed() && e.Attrs["name"] == "" {
			e.Attrs["name"] = source
		}
		exports = append(exports, e)
	}
	if o.load {
		e, err := solve.LoadExport(ctx, source)
		if err != nil {
			return nil, err
		}
		exports = append(exports, e)
	}
	return exports, nil
}

// checkExports refuses what BuildKit would refuse after the build.
func checkExports(exports []solve.Export, several, attested bool) error {
	for _, e := range exports {
		if attested && e.IsNamed() && e.Attrs["name"] == "*" {
			return fmt.Errorf("-o type=%s,name=* does not work with attestations: BuildKit then takes * for a name; name the image, or leave --attest, --sbom and --provenance out", e.Kind())
		}
		if several && e.Type == client.ExporterDocker {
			return errors.New("type=docker and --load hold one platform: give one --platform, or use -o type=oci")
		}
	}
	return nil
}

// checkCompression wants one compression of all that a solve exports, what it publishes included.
func (o *outputOptions) checkCompression(exports []solve.Export) error {
	if o.publishes() {
		exports = append([]solve.Export{solve.ImageExport(true)}, exports...)
	}
	return solve.SameCompression(exports...)
}

// write leaves --metadata-file and --iidfile behind: buildx's flat map of the image, and under "exports" what each export
// returned.
func (o *outputOptions) write(names tags.Set, made *planning.Result, result *publish.Result) error {
	if o.iid != "" {
		if err := os.WriteFile(o.iid, []byte(result.Digest), 0o644); err != nil {
			return fmt.Errorf("writing --iidfile: %w", err)
		}
	}
	if o.metadata == "" {
		return nil
	}
	meta := map[string]any{"rtbuild.variant": made.Variant(), "rtbuild.tags": names, "containerimage.digest": result.Digest}
	if response := result.Response; response != nil {
		for key, value := range response.Exporter {
			meta[key] = value
		}
		meta["exports"] = response.Outputs
	}
	data, err := json.MarshalIndent(meta, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.metadata, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing --metadata-file: %w", err)
	}
	return nil
}
