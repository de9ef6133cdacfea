package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/buildfolder"
)

// prepareOptions are the flags of prepare. They are also those of the original's runtime_build.py.
type prepareOptions struct {
	project        projectOptions
	folder, syntax string
	force          bool
}

func newPrepare() *cobra.Command {
	var o prepareOptions
	cmd := &cobra.Command{
		Use:   "prepare --build-folder DIR [CONTEXT]",
		Short: "Write a folder that docker buildx build DIR makes the same image from",
		Long: "prepare writes into DIR what the image is made of, for a builder that has no rtbuild-client:\n\n" +
			"  code/       everything that is hashed or copied, and the lock files\n" +
			"  Dockerfile  the runtime file, all flags written into it; its first line names the frontend\n" +
			"  config.sh   DOCKER_IMAGE_TAG and DOCKER_IMAGE_SOURCE_TAG are appended\n\n" +
			"It prints the path of DIR. code/ and Dockerfile are replaced if an earlier prepare made them; other files of\n" +
			"DIR are left alone.",
		Example: "  rtbuild-client prepare --base_image debian:bookworm --build_folder containers/runtime --force_rebuild\n" +
			"  docker buildx build containers/runtime",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return replanning(func() error { return runPrepare(cmd.Context(), cmd.OutOrStdout(), &o, args) })
		},
	}
	o.register(cmd)
	return cmd
}

func (o *prepareOptions) register(cmd *cobra.Command) {
	o.project.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.folder, "build-folder", "", "folder to write (made if it is not there)")
	flags.StringVar(&o.syntax, "syntax", "", "frontend image for the first line (default: that of the runtime file, else "+buildfolder.Frontend+")")
	flags.BoolVar(&o.force, "force-rebuild", false, "no effect on the folder: what to reuse is decided when it is built (by --build-arg FORCE_REBUILD=true)")
	// As in the original the last of these wins.
	browser := func(name, usage string, leaveOut bool) {
		flags.BoolFunc(name, usage, func(text string) error {
			on, err := strconv.ParseBool(text)
			o.project.noBrowser = on == leaveOut
			return err
		})
	}
	browser("no-enable-browser", "the original's name for --no-browser", true)
	browser("enable-browser", "the opposite of --no-browser, and the default", false)
	flags.Lookup("platform").Usage = "no effect on the folder: the platform is chosen when it is built"
	flags.Lookup("format").Usage = "what is printed: text for the folder's path, json for the tags"
}

func runPrepare(ctx context.Context, out io.Writer, o *prepareOptions, args []string) error {
	if o.folder == "" {
		return withCode(exitUsage, errors.New("no folder to write is named: give --build-folder DIR"))
	}
	p, err := o.project.read(args)
	if err != nil {
		return err
	}
	f, err := buildfolder.New(o.folder, p.Project)
	if err != nil {
		return withCode(exitUsage, err)
	}
	o.warnIgnored()
	if err := p.ComputeTags(ctx, tagsRepository(p.Project, &o.project)); err != nil {
		return withCode(exitUsage, err)
	}
	for _, warning := range p.Tree.Warnings {
		warn(warning)
	}
	if err := f.Write(ctx, o.syntax); err != nil {
		return withCode(exitUsage, err)
	}
	if o.project.format == "json" {
		return printJSON(out, p.Tags)
	}
	_, err = fmt.Fprintln(out, o.folder)
	return err
}

// warnIgnored warns of flags that the original's builder reads, and that change nothing here.
func (o *prepareOptions) warnIgnored() {
	if o.force {
		warn("--force-rebuild changes nothing in the folder: give --build-arg FORCE_REBUILD=true to docker buildx build")
	}
	if len(o.project.platforms) > 0 {
		warn("--platform changes nothing in the folder: give it to docker buildx build")
	}
}
