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
	"github.com/rtbuild/rtbuild/internal/registry"
)

// diffOptions are the flags of diff.
type diffOptions struct {
	platform       string
	format         string
	exitCode       bool
	verbose        bool
	skipShared     bool
	registryConfig string
	caFile         string
}

func newDiff() *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff IMAGE IMAGE",
		Short: "Print what differs between two images: files, owners, modes, config, layers and sizes",
		Long: "diff prints what differs between two images of a registry, for one platform. Nothing is unpacked, and time stamps of files are not\n" +
			"compared. Layers that both images begin with are read only where it takes them: to know what was there before one of the\n" +
			"images changed it. The signs are + only in the second image, - only in the first, ~ changed, ? unknown (with --skip-shared).",
		Example: "  rtbuild-client diff registry.example.com/team/runtime:1 registry.example.com/team/runtime:2\n" +
			"  rtbuild-client diff --exit-code --format json debian:bookworm debian:trixie | jq '.files[] | select(.kind == \"changed\")'",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDiff(cmd.Context(), cmd.OutOrStdout(), &o, args)
		},
	}
	o.register(cmd)
	return cmd
}

func (o *diffOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.platform, "platform", "", "platform of the images, os/arch[/variant] (default: this machine's)")
	flags.StringVar(&o.format, "format", "text", "output format: text or json, which has everything")
	flags.BoolVar(&o.exitCode, "exit-code", false, "exit with 1 if files or config differ")
	flags.BoolVar(&o.verbose, "verbose", false, "also list what is in directories that only one image has, and when and how the images came to be")
	flags.BoolVar(&o.skipShared, "skip-shared", false, "never read the layers that both images begin with: faster, but some changes are told without what was there before")
	flags.StringVar(&o.registryConfig, "registry-config", "", "directory of hosts.toml files, as containerd has it")
	flags.StringVar(&o.caFile, "ca-file", "", "PEM file of certificate authorities to trust")
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
	lease, err := destination.Wake(ctx, refs, private)
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
	if o.exitCode && !d.Equal() {
		return withCode(exitBuild, errors.New("the images differ"))
	}
	return nil
}

// reader checks what was given, and says how the images are read.
func (o *diffOptions) reader(refs []string) (*imagediff.Reader, error) {
	if o.format != "text" && o.format != "json" {
		return nil, fmt.Errorf("invalid --format %q: it is text or json", o.format)
	}
	for _, ref := range refs {
		if _, err := reference.ParseNormalizedNamed(ref); err != nil {
			return nil, fmt.Errorf("invalid image %q: %w", ref, err)
		}
	}
	var given []string
	if o.platform != "" {
		given = []string{o.platform}
	}
	wanted, err := parsePlatforms(given)
	if err != nil {
		return nil, err
	}
	if len(wanted) > 1 {
		return nil, fmt.Errorf("invalid --platform %q: images are compared for one platform", o.platform)
	}
	client, err := registry.New(registry.Options{ConfigDir: o.registryConfig, CAFile: o.caFile, Warn: warn})
	if err != nil {
		return nil, err
	}
	return &imagediff.Reader{
		Registry: client, Platform: wanted[0], SkipShared: o.skipShared,
		Progress: func(message string) { fmt.Fprintln(os.Stderr, message) },
	}, nil
}

func (o *diffOptions) print(out io.Writer, d *imagediff.Diff) error {
	if o.format == "json" {
		return printJSON(out, d)
	}
	return d.Print(out, o.verbose)
}
