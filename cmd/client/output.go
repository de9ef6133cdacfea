package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/publish"
	"github.com/rtbuild/rtbuild/tags"
)

// writeOutputs writes --metadata-file and --iidfile. The metadata is buildx's flat map of the image, with the result of each export
// under "exports".
func writeOutputs(o *options.Outputs, names tags.Set, made *planning.Result, result *publish.Result) error {
	if o.IIDFile != "" {
		if err := os.WriteFile(o.IIDFile, []byte(result.Digest), 0o644); err != nil {
			return fmt.Errorf("writing --iidfile: %w", err)
		}
	}
	if o.MetadataFile == "" {
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
	if err := os.WriteFile(o.MetadataFile, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing --metadata-file: %w", err)
	}
	return nil
}
