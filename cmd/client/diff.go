package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/distribution/reference"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/imagediff"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
	"github.com/rtbuild/rtbuild/internal/registry"
)

// diffOptions are the options of diff.
type diffOptions struct {
	diff     options.Diff
	builder  options.Builder // only the options about registries
	printing options.Printing
}

func newDiff() *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff IMAGE IMAGE",
		Short: "Print what differs between two images: files, owners, modes, config, layers and sizes",
		Long: "diff prints what differs between two images in a registry, for one platform. It unpacks nothing, and does not compare the time\n" +
			"stamps of files. It reads layers that both images share only if needed: to know what one of the images has changed.\n" +
			"The signs are + only in the second image, - only in the first, ~ changed, ? unknown (with --skip-shared).",
		Example: "  rtbuild-client diff registry.example.com/team/runtime:1 registry.example.com/team/runtime:2\n" +
			"  rtbuild-client diff --exit-code --format json debian:bookworm debian:trixie | jq '.files[] | select(.kind == \"changed\")'",
		Args: twoImages,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDiff(cmd.Context(), cmd.OutOrStdout(), &o, args)
		},
	}
	flags.Add(cmd.Flags(), cmd.Name(), &o.diff, &o.builder, &o.printing)
	return cmd
}

func runDiff(ctx context.Context, out io.Writer, o *diffOptions, refs []string) error {
	reader, err := o.reader(refs)
	if err != nil {
		return withCode(exitUsage, err)
	}
	private, err := embeddedOptions()
	if err != nil {
		return withCode(exitBuilder, err)
	}
	lease, err := destination.Lease(ctx, refs, private)
	if err != nil {
		return withCode(exitBuilder, err)
	}
	if lease != nil {
		defer lease.Close()
	}
	d, err := reader.Diff(ctx, refs[0], refs[1])
	if layer := (*imagediff.LayerError)(nil); errors.As(err, &layer) || errors.Is(err, imagediff.ErrLimit) {
		return withCode(exitRegistry, err)
	}
	if err != nil {
		return withCode(exitUsage, err)
	}
	if err := o.print(out, d); err != nil {
		return err
	}
	if o.diff.ExitCode && !d.Equal() {
		return withCode(exitBuild, errors.New("the images differ"))
	}
	return nil
}

// reader checks the arguments, and returns the reader for the images.
func (o *diffOptions) reader(refs []string) (*imagediff.Reader, error) {
	for _, ref := range refs {
		if _, err := reference.ParseNormalizedNamed(ref); err != nil {
			return nil, fmt.Errorf("invalid image %q: %w", ref, err)
		}
	}
	wanted := options.Local()
	if o.diff.Platform != nil {
		wanted = *o.diff.Platform
	}
	client, err := registry.New(registry.Options{ConfigDir: o.builder.RegistryConfig, CAFile: o.builder.CAFile, Warn: warn})
	if err != nil {
		return nil, err
	}
	return &imagediff.Reader{
		Registry: client, Platform: wanted, SkipShared: o.diff.SkipShared,
		Progress: func(message string) { fmt.Fprintln(os.Stderr, message) },
	}, nil
}

func (o *diffOptions) print(out io.Writer, d *imagediff.Diff) error {
	if o.printing.JSON() {
		return printJSON(out, d)
	}
	return d.Print(out, o.diff.Verbose)
}
