package imagebuild

import (
	"cmp"
	"context"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"syscall"

	bkllb "github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// inspectBase reads the distribution, users and package repositories of the base from its files. The builder pulls the base for that, which
// a build from scratch needs anyway.
func (b *builder) inspectBase(ctx context.Context) error {
	if b.entry.Config.Labels[labels.Stage] != "" {
		return llb.FieldErrorf("base", "base image %s was made by rtbuild: use its own base, %s", b.req.Runtime.Base,
			b.entry.Config.Labels[ocispecs.AnnotationBaseImageName])
	}
	if err := b.checkVolumes(); err != nil {
		return err
	}
	base, err := b.readSystem(ctx)
	if err != nil {
		return err
	}
	if b.graph.Accounts, err = llb.ParseAccounts(base.read("/etc/passwd"), base.read("/etc/group")); err != nil {
		return llb.FieldErrorf("base", "base image %s cannot be used: %w", b.req.Runtime.Base, err)
	}
	b.graph.Owner = b.graph.Accounts.Owner(b.req.Runtime.User)
	b.graph.Base.NoInterpreter = !base.hasOne(b.graph.BaseInterpreters())
	err = b.checkBase(base)
	if base.err != nil { // a file that could not be read is not absent: this error explains any other
		err = llb.FieldErrorf("base", "reading base image %s: %w", b.req.Runtime.Base, base.err)
	}
	return err
}

// readSystem reads the distribution and the package repositories of the entry image. It returns the image's files.
func (b *builder) readSystem(ctx context.Context) (*files, error) {
	ref, err := b.solve(ctx, b.graph.Start(), true)
	if err != nil {
		return nil, err
	}
	image := &files{ctx: ctx, ref: ref}
	b.graph.Distro = llb.ParseOSRelease(image.read("/etc/os-release", "/usr/lib/os-release")) // the order of os-release(5)
	b.graph.Distro.Libc = image.libc()
	if m := b.graph.Distro.Manager; m != nil && image.hasOne(m.Programs) {
		b.graph.Base.PackageSources = image.addresses(m.Sources)
	} else {
		b.graph.Distro.Manager = nil
	}
	return image, nil
}

// checkBase refuses a base on which the build's steps would fail.
func (b *builder) checkBase(base *files) error {
	name, prefix := b.req.Runtime.Base, b.req.Runtime.Prefix
	if !base.hasOne([]string{"/bin/sh"}) {
		return llb.FieldErrorf("base", "base image %s (%s) has no /bin/sh, which the build's steps need: use a base with a shell; distroless images "+
			"usually have one under the tag debug", name, cmp.Or(b.graph.Distro.Pretty, "no os-release file"))
	}
	for dir := prefix; dir != "/"; dir = path.Dir(dir) {
		switch kind := base.kind(dir); kind {
		case "", "directory":
		default:
			return llb.FieldErrorf("prefix", "base image %s has a %s at %s, where the runtime belongs: remove it from the base, or choose another prefix",
				name, kind, dir)
		}
	}
	return nil
}

// warnOfBase warns of what the base's config says and the image does not keep.
func (b *builder) warnOfBase(ctx context.Context) error {
	messages := b.leftOut()
	if len(messages) == 0 {
		return nil
	}
	def, err := b.graph.Start().Marshal(ctx, bkllb.Platform(b.req.Platform))
	if err != nil {
		return err
	}
	vertex, err := def.Head()
	if err != nil {
		return err
	}
	for _, message := range messages {
		if err := b.client.Warn(ctx, vertex, "base image "+b.req.Runtime.Base+" has "+message, gateway.WarnOpts{Level: 1}); err != nil {
			return err
		}
	}
	return nil
}

// leftOut says what the image does not keep: triggers, which are instructions of a Dockerfile, and the check of a program that does not run.
func (b *builder) leftOut() []string {
	var all []string
	if triggers := b.entry.Config.OnBuild; len(triggers) > 0 {
		all = append(all, "ONBUILD triggers, which rtbuild neither runs nor keeps: "+strings.Join(triggers, "; ")+": put what they do into the runtime file")
	}
	r := b.req.Runtime
	if check := b.entry.Config.Healthcheck; check != nil && len(check.Test) > 0 && check.Test[0] != "NONE" && r.OwnCommand() && r.Healthcheck == nil {
		all = append(all, "a HEALTHCHECK of its own program, which the image does not keep: "+strings.Join(check.Test[1:], " ")+
			": if the agent is to be checked, write healthcheck into the runtime file")
	}
	return all
}

// checkVolumes refuses a base that declares a volume over the runtime: its containers would not see the runtime.
func (b *builder) checkVolumes() error {
	prefix := b.req.Runtime.Prefix
	for _, volume := range slices.Sorted(maps.Keys(b.entry.Config.Volumes)) {
		dir := path.Clean(volume)
		if dir == prefix || strings.HasPrefix(prefix, strings.TrimSuffix(dir, "/")+"/") || strings.HasPrefix(dir, prefix+"/") {
			return llb.FieldErrorf("prefix", "base image %s declares a volume at %s, so its containers would hide the runtime at %s behind it: "+
				"use a base without the volume, or choose another prefix", b.req.Runtime.Base, volume, prefix)
		}
	}
	return nil
}

// files reads files of an image.
type files struct {
	ctx context.Context
	ref gateway.Reference
	err error // the first error other than a missing file
}

// found reports whether err is nil. It records any error but those of a missing file. The builder sends such errors as text, without types.
func (f *files) found(err error) bool {
	if err == nil {
		return true
	}
	absent := slices.ContainsFunc([]string{
		syscall.ENOENT.Error(), syscall.ENOTDIR.Error(), syscall.ELOOP.Error(),
		syscall.EISDIR.Error(), "not a regular file", // EISDIR: BuildKit up to v0.20
	}, func(known string) bool { return strings.Contains(err.Error(), known) })
	if !absent && f.err == nil {
		f.err = err
	}
	return false
}

// read returns the contents of the first file that exists, or nil if none does.
func (f *files) read(names ...string) []byte {
	for _, name := range names {
		if data, err := f.ref.ReadFile(f.ctx, gateway.ReadRequest{Filename: name}); f.found(err) {
			return data
		}
	}
	return nil
}

// hasOne reports whether one of the files exists.
func (f *files) hasOne(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, err := f.ref.StatFile(f.ctx, gateway.StatRequest{Path: name})
		return f.found(err)
	})
}

// kind returns the kind of a path without following links: "directory", "link", "file", or "" if it does not exist.
func (f *files) kind(name string) string {
	for _, entry := range f.list(path.Dir(name)) {
		switch {
		case path.Base(entry.Path) != path.Base(name):
		case entry.Linkname != "":
			return "link"
		case entry.IsDir():
			return "directory"
		default:
			return "file"
		}
	}
	return ""
}

// list returns the entries of a directory.
func (f *files) list(dir string) []*fstypes.Stat {
	entries, err := f.ref.ReadDir(f.ctx, gateway.ReadDirRequest{Path: dir})
	if !f.found(err) {
		return nil
	}
	return entries
}

// The paths of the C library in distributions with glibc and with musl.
var (
	glibcPaths = []string{"/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6", "/lib/arm-linux-gnueabihf/libc.so.6", "/lib64/libc.so.6", "/lib/libc.so.6"}
	muslPaths  = []string{"/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1", "/lib/ld-musl-armhf.so.1"}
)

// libc returns the C library of the image.
func (f *files) libc() llb.Libc {
	if data := f.read(glibcPaths...); data != nil {
		return llb.ParseGlibc(data)
	}
	return llb.Libc{Musl: f.hasOne(muslPaths)}
}

// address matches a URL up to the first variable, which the package manager fills in.
var address = regexp.MustCompile(`https?://[^\s"'$]+`)

// addresses returns the URLs in files, and in the files of directories, sorted and unique.
func (f *files) addresses(sources []string) []string {
	var all []string
	for _, source := range sources {
		names := []string{source}
		for _, entry := range f.list(source) {
			names = append(names, path.Join(source, path.Base(entry.Path)))
		}
		for _, name := range names {
			for _, found := range address.FindAll(comment.ReplaceAll(f.read(name), nil), -1) {
				all = append(all, strings.TrimSuffix(string(found), "/"))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// comment matches a line that all package managers skip.
var comment = regexp.MustCompile(`(?m)^\s*#.*$`)
