package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/buildfolder"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
)

// prepareOptions are the options of prepare, which include those of OpenHands' runtime_build.py.
type prepareOptions struct {
	runtime  options.Runtime
	planning options.Planning // only --force-rebuild
	printing options.Printing
	prepare  options.Prepare
}

func newPrepare() *cobra.Command {
	var o prepareOptions
	cmd := &cobra.Command{
		Use:   "prepare --build-folder DIR [CONTEXT]",
		Short: "Write a folder from which docker buildx build DIR builds the same image",
		Long: "prepare writes everything that the image is made of to DIR, for use without rtbuild-client:\n\n" +
			"  code/       everything that is hashed or copied, and the lock files\n" +
			"  Dockerfile  the runtime file, with all flags written into it; its first line names the frontend\n" +
			"  config.sh   DOCKER_IMAGE_TAG and DOCKER_IMAGE_SOURCE_TAG are appended\n\n" +
			"It prints the path of DIR. It replaces code/ and Dockerfile if an earlier prepare made them, and leaves other\n" +
			"files in DIR alone.",
		Example: "  rtbuild-client prepare --base_image debian:bookworm --build_folder containers/runtime --force_rebuild\n" +
			"  docker buildx build containers/runtime",
		Args: oneContext,
		RunE: func(cmd *cobra.Command, args []string) error {
			return replanning(func() error { return runPrepare(cmd.Context(), cmd.OutOrStdout(), &o, args) })
		},
	}
	o.register(cmd)
	return cmd
}

func (o *prepareOptions) register(cmd *cobra.Command) {
	o.prepare.NoBrowser = &o.runtime.NoBrowser
	flags.Add(cmd.Flags(), "prepare", &o.runtime, &o.planning, &o.printing, &o.prepare)
}

func runPrepare(ctx context.Context, out io.Writer, o *prepareOptions, args []string) error {
	if o.prepare.Folder == "" {
		return withCode(exitUsage, errors.New("no folder to write is named: give --build-folder DIR"))
	}
	p, err := readTarget(&o.runtime, args)
	if err != nil {
		return err
	}
	f, err := buildfolder.New(o.prepare.Folder, p.Project)
	if err != nil {
		return withCode(exitUsage, err)
	}
	o.warnIgnored()
	if err := p.ComputeTags(ctx, p.tagsRepository()); err != nil {
		return withCode(exitUsage, err)
	}
	for _, warning := range p.Tree.Warnings {
		warn(warning)
	}
	if err := f.Write(ctx, o.prepare.Syntax); err != nil {
		return withCode(exitUsage, err)
	}
	if o.printing.JSON() {
		return printJSON(out, p.Tags)
	}
	_, err = fmt.Fprintln(out, o.prepare.Folder)
	return err
}

// warnIgnored warns of flags of OpenHands' runtime_build.py that have no effect here.
func (o *prepareOptions) warnIgnored() {
	if o.planning.Force {
		warn("--force-rebuild changes nothing in the folder: give --build-arg FORCE_REBUILD=true to docker buildx build")
	}
	if len(o.runtime.Platforms) > 0 {
		warn("--platform changes nothing in the folder: give it to docker buildx build")
	}
}
