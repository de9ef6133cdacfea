package publish

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/tags"
)

// The names of the local directories that a solve transfers.
const (
	localSource    = "source"
	localLockFiles = "lockfiles"
)

// Build says what to build, on which builder, and with which settings.
type Build struct {
	Project     *project.Project // its tags are computed
	Destination *destination.Destination
	Settings

	// Note, Warn and Debug receive a build's messages. Nil drops them.
	Note, Warn, Debug func(message string)
}

// Settings holds the options that apply to every build.
type Settings struct {
	Common            imagebuild.Request                          // labels, proxies and options of steps; Run fills in the rest
	Annotations       func(p ocispecs.Platform) map[string]string // of a platform's manifest
	ExportAnnotations map[string]string                           // of other levels, as attributes of an export
	Attests           map[string]string                           // attributes of a solve: attest:sbom, attest:provenance
	CacheImports      []client.CacheOptionsEntry                  // caches to read
	CacheExports      []client.CacheOptionsEntry                  // caches to write
	Reuse             []string                                    // further repositories that deps images may come from
	Session           []session.Attachable                        // secrets, SSH agents and the like, for steps
	Passwords         authprovider.AuthConfigProvider             // the user's registry credentials
	Entitlements      []string                                    // extra privileges of steps
	CAFile            string                                      // PEM file of further authorities that downloads trust
	Retries           uint                                        // further attempts after a lost connection or a registry failure
	Progress          string                                      // auto, tty, plain, quiet or rawjson
}

func (b *Build) note(message string)  { tell(b.Note, message) }
func (b *Build) warn(message string)  { tell(b.Warn, message) }
func (b *Build) debug(message string) { tell(b.Debug, message) }

func tell(f func(string), message string) {
	if f != nil {
		f(message)
	}
}

// runsSteps returns the platforms for which the builder runs programs. Copying source works for any platform.
func (r *run) runsSteps() []ocispecs.Platform {
	var all []ocispecs.Platform
	for _, p := range r.Plan.Platforms {
		if p.BuildsDeps() || p.Variant == plan.Lock && r.Project.Runtime.RunsOnSource() {
			all = append(all, p.Platform)
		}
	}
	return all
}

// connect connects to the builder. Meanwhile it checks that the user may push to the repository. If not, it returns that error
// rather than the builder's.
func (r *run) connect(ctx context.Context) (*solve.Builder, error) {
	r.Destination.AddReferences(r.references(r.Exports)...)
	refused := make(chan error, 1)
	dialing, giveUp := context.WithCancel(ctx)
	defer giveUp()
	go func() {
		var refusal error
		if r.Push && !r.Plan.Done() {
			refusal = r.Destination.CheckPush(ctx)
		}
		if refused <- refusal; refusal != nil {
			giveUp()
		}
	}()
	builder, err := r.Destination.Builder(dialing)
	if refusal := <-refused; refusal != nil {
		if err == nil {
			_ = builder.Close()
		}
		return nil, refusal
	}
	return builder, err
}

// references returns the references that the builder accesses besides the repository and the base: deps images of other
// repositories, caches, exports under other names, and the scanner image for SBOMs.
func (b *Build) references(exports []solve.Export) []string {
	refs := append(slices.Clone(b.Reuse), imagebuild.ScannerImage(b.Attests))
	for _, e := range exports {
		if e.IsImage() {
			refs = append(refs, strings.Split(e.Attrs["name"], ",")...)
		}
	}
	for _, cache := range slices.Concat(b.CacheImports, b.CacheExports) {
		if cache.Type == "registry" {
			refs = append(refs, cache.Attrs["ref"])
		}
	}
	return refs
}

// opened holds what all solves of a build share. It must be closed.
type opened struct {
	runner *solve.Runner
	job    solve.Job          // without requests and exports
	common imagebuild.Request // without the platform's fields
}

// open opens the build's local directories, the downloads and the progress display.
func (b *Build) open(ctx context.Context, builder *solve.Builder) (_ *opened, err error) {
	o := &opened{common: b.common()}
	defer func() {
		if err != nil {
			o.job.Close()
		}
	}()
	here := installation()
	if o.job, err = b.newJob(here); err != nil {
		return nil, err
	}
	if b.downloads() {
		tools, err := solve.OpenDownloads(ctx, here, solve.DownloadOptions{CAFile: b.CAFile, Proxy: b.Common.Proxy, Warn: b.warn})
		if err != nil {
			return nil, err
		}
		o.common.Fetch, o.job.Locals[solve.DownloadsName] = tools.Fetch, tools.Local
	}
	progress, err := solve.NewProgress(ctx, b.Progress)
	if err != nil {
		return nil, err
	}
	b.debug(fmt.Sprintf("builder %s, buildkit %s, context %s", builder.Addr, builder.Version, b.Project.Root))
	passwords := authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{
		AuthConfigProvider: b.Destination.Credentials(builder, b.Passwords),
	})
	o.runner = &solve.Runner{
		Builder: builder, Progress: progress, Session: append(slices.Clip(b.Session), passwords), Retries: b.Retries, Warn: b.warn,
	}
	return o, nil
}

// downloads reports whether rtbuild downloads tools itself. The builder's downloads support neither CAFile nor a proxy.
func (b *Build) downloads() bool {
	p := b.Common.Proxy
	return b.CAFile != "" || p != nil && cmp.Or(p.HTTPProxy, p.HTTPSProxy, p.AllProxy) != ""
}

// close releases everything, and then repeats the builder's warnings, which would be lost in the display. It returns err, the error of
// the solves, or else the error of closing.
func (o *opened) close(err error) error {
	err = cmp.Or(err, o.runner.Progress.Close())
	for _, warning := range o.runner.Progress.Warnings() {
		o.runner.Warn(warning)
	}
	o.job.Close()
	return err
}

// newJob returns a job without requests and exports.
func (b *Build) newJob(here solve.Installation) (solve.Job, error) {
	p := b.Project
	source, err := solve.NewLocal(p.Root, p.Tree.Entries, here)
	if err != nil {
		return solve.Job{}, err
	}
	lockFiles, err := solve.NewLocal(p.Root, p.Tree.LockFiles, here)
	if err != nil {
		_ = source.Close()
		return solve.Job{}, err
	}
	return solve.Job{
		Locals:    map[string]*solve.Local{localSource: source, localLockFiles: lockFiles},
		SharedKey: here.SharedKey(p.Root),
		Allowed:   b.Entitlements,
		Attrs:     b.Attests,
		Imports:   b.CacheImports,
	}, nil
}

// common returns what the requests for all platforms share.
func (b *Build) common() imagebuild.Request {
	request := b.Common
	request.Runtime, request.Tools = b.Project.Runtime.Image(), b.Project.Runtime.ToolsDigest()
	request.Tree, request.DepsDigest = b.Project.Tree.Copied, b.Project.Tree.DepsDigest
	request.Source = local(localSource, "[source] read the source tree")
	lockFiles := local(localLockFiles, "[deps] read the lock files")
	request.LockFiles = imagebuild.LockFiles(tags.Paths(b.Project.Tree.LockFiles), func(string) llb.State { return lockFiles })
	return request
}

func local(name, title string) llb.State {
	return llb.Local(name, llb.SharedKeyHint(name), llb.WithCustomName(title))
}

// installation returns this user's installation on this machine. It is not stored if the user has no home directory.
func installation() solve.Installation {
	dir, _ := embedded.StateDir()
	return solve.OpenInstallation(dir)
}
