package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/rtbuild/rtbuild/internal/frontend"
	"github.com/rtbuild/rtbuild/internal/testenv"
)

const (
	frontendFiles = 1000 // in the source that is edited
	bakeTargets   = 100
	bakeJobs      = "8" // with more, some frontends exceed BuildKit's start timeout of 10 seconds
)

// frontends holds the frontend images that are compared, and buildx, which uses them.
type frontends struct {
	bench        *bench
	buildx       string
	ours, docker string // references
	size         int64  // of our image, in bytes
	unpacked     int64  // of our program, in bytes
	builders     map[string]*testenv.Buildx
}

func (b *bench) frontends(ctx context.Context) (*frontends, error) {
	b.say("building the frontends")
	dir := filepath.Join(b.dir, "bin")
	f := &frontends{bench: b, buildx: b.binaries.Buildx, builders: map[string]*testenv.Buildx{}}
	ours, err := testenv.BuildFrontend(ctx, dir, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	docker, err := testenv.BuildDockerfileFrontend(ctx, dir, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	if f.ours, err = f.push(ctx, "rtbuild-frontend", ours, frontend.Program); err != nil {
		return nil, err
	}
	if f.docker, err = f.push(ctx, "dockerfile-frontend", docker, "/bin/dockerfile-frontend"); err != nil {
		return nil, err
	}
	img, err := b.registry.Image(ctx, f.ours)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(ours)
	if err != nil {
		return nil, err
	}
	f.size, f.unpacked = img.Size(), info.Size()
	return f, nil
}

func (f *frontends) push(ctx context.Context, name, file, path string) (string, error) {
	_, err := f.bench.registry.PushProgram(ctx, name, "bench", testenv.Program{
		File: map[string]string{"linux/" + runtime.GOARCH: file}, Path: path,
		Labels: map[string]string{
			"moby.buildkit.frontend.network.none": "true",
			"moby.buildkit.frontend.caps": "moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests," +
				"moby.buildkit.frontend.contexts,moby.buildkit.frontend.gitquerystring",
		},
	})
	return f.bench.registry.Host + "/" + name + ":bench", err
}

// buildxFor returns buildx with its settings for a builder. They contain a node ID, by which the builder finds the files of a
// context that it already has. With new settings, every file would be sent again.
func (f *frontends) buildxFor(builder string) (*testenv.Buildx, error) {
	if x := f.builders[builder]; x != nil {
		return x, nil
	}
	dir, err := os.MkdirTemp(f.bench.dir, "buildx-")
	if err != nil {
		return nil, err
	}
	x, err := testenv.NewBuildx(f.buildx, filepath.Join(dir, "config"), builder)
	if err == nil {
		f.builders[builder] = x
	}
	return x, err
}

// on runs buildx on a builder. The configuration of the builder is not timed.
func (f *frontends) on(ctx context.Context, builder string, args ...string) (time.Duration, error) {
	x, err := f.buildxFor(builder)
	if err != nil {
		return 0, err
	}
	cmd := x.Command(ctx, args...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("buildx %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return time.Since(began), err
}

// syntax writes a project's runtime file, with our frontend in its syntax line.
func (f *frontends) syntax(p *project) error {
	return writeSource(filepath.Join(p.dir, "runtime.yaml"),
		fmt.Sprintf("# syntax=%s\nbase: %s\nrepository: %s\n", f.ours, f.bench.base.ref, p.repository))
}

func (p *project) runtimeFile() string { return filepath.Join(p.dir, "runtime.yaml") }

// build returns a function that builds p as a user would.
func (f *frontends) build(p *project) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, builder string) (time.Duration, error) {
		return f.on(ctx, builder, "build", "--progress", "plain", "--provenance=false", "-f", p.runtimeFile(),
			"-o", `type=image,"name=*",push=true`, p.dir)
	}
}

// measureFrontend compares our frontend image with Docker's if nothing changes, and with the client after an edit.
func measureFrontend(ctx context.Context, b *bench) ([]row, error) {
	f, err := b.frontends(ctx)
	if err != nil {
		return nil, err
	}
	var table []row
	for _, measure := range []func(context.Context) ([]row, error){f.unchanged, f.edited, f.hashed, f.baked} {
		rows, err := measure(ctx)
		if err != nil {
			return nil, err
		}
		table = append(table, rows...)
	}
	return append(table, atMost(5e6, "5 MB").judge(row{what: "frontend image, compressed", ours: size(f.size)}, float64(f.size))), nil
}

// unchanged repeats a build without changes, with our frontend and with Docker's on the same deps image and source.
func (f *frontends) unchanged(ctx context.Context) (_ []row, err error) {
	p, err := f.bench.newProject("unchanged")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.syntax(p), f.bench.pushDeps(ctx, p, depsLayers*randomFile)); err != nil {
		return nil, err
	}
	d, err := p.dockerfile(ctx, "unchanged", "# syntax="+f.docker+"\n"+bestDockerfile)
	if err != nil {
		return nil, err
	}
	builder, stop, err := f.bench.freshBuilder(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	timed := func(name string, run func() (time.Duration, error)) contender {
		return contender{name, func(context.Context) (s sample, err error) {
			s.wall, err = run()
			return s, err
		}}
	}
	contenders := []contender{
		timed("# syntax= ours", func() (time.Duration, error) { return f.build(p)(ctx, builder.Addr) }),
		timed("# syntax= docker's", func() (time.Duration, error) {
			return f.on(ctx, builder.Addr, "build", "--progress", "plain", "--provenance=false", "-f", filepath.Join(d.dir, "Dockerfile"),
				"-o", "type=image,name="+d.image+",push=true", p.dir)
		}),
	}
	if _, err := f.bench.inTurns(ctx, 2, contenders...); err != nil { // not counted: these builds fill the cache
		return nil, err
	}
	all, err := f.bench.inTurns(ctx, noneRuns*f.bench.runs, contenders...)
	if err != nil {
		return nil, err
	}
	const what = "docker buildx build, nothing to do: docker's own frontend as an image"
	return []row{atMost(1.5, "1.5").compare(what, each(all[0], wall), each(all[1], wall))}, nil
}

// edited builds after a source edit with the frontend image and with the client, each on a fresh builder.
func (f *frontends) edited(ctx context.Context) ([]row, error) {
	p, err := f.bench.newProject("edited")
	if err != nil {
		return nil, err
	}
	for i := sourceFiles; i < frontendFiles; i++ {
		if err := writeSource(filepath.Join(p.dir, "src", fmt.Sprintf("%04d.js", i)), strings.Repeat("// one more\n", 200)); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(f.syntax(p), f.bench.pushDeps(ctx, p, lockSize)); err != nil {
		return nil, err
	}
	all, err := f.bench.inTurns(ctx, f.bench.runs, p.afterEdit("# syntax=", f.build(p)), p.afterEdit("rtbuild-client solve", p.solve))
	if err != nil {
		return nil, err
	}
	const edit = "docker buildx build, source edit, fresh builder, 1 GB deps image: "
	grown, got := median(each(all[0], disk))-float64(f.size+f.unpacked), median(each(all[0], pulled))
	return []row{
		atMost(2.5, "2.5").compare(edit+"rtbuild-client solve", each(all[0], wall), each(all[1], wall)),
		atMost(10e6, "10 MB").judge(row{what: "  builder's disk, growth without the frontend image, packed and unpacked", ours: size(int64(grown))}, grown),
		atMost(10e6, "10 MB").judge(row{what: "  pulled from the registry, including the frontend", ours: size(int64(got))}, got),
	}, nil
}

// hashed hashes a large source in the builder, after an edit of one file.
func (f *frontends) hashed(ctx context.Context) (_ []row, err error) {
	dir, err := f.bench.makeTree()
	if err != nil {
		return nil, err
	}
	p := &project{bench: f.bench, dir: dir, repository: f.bench.registry.Host + "/tree"}
	if err := f.syntax(p); err != nil {
		return nil, err
	}
	builder, stop, err := f.bench.freshBuilder(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	tags := contender{"tags in the builder", func(ctx context.Context) (s sample, err error) {
		p.edits++
		if err := writeSource(filepath.Join(dir, "openhands", "__init__.py"), fmt.Sprintf("# %d %s\n", p.edits, time.Now())); err != nil {
			return s, err
		}
		s.wall, err = f.on(ctx, builder.Addr, "build", "--progress", "plain", "--target", "tags", "-f", p.runtimeFile(),
			"-o", filepath.Join(f.bench.dir, "tags"), dir)
		return s, err
	}}
	if _, err := f.bench.inTurns(ctx, 1, tags); err != nil { // not counted: it sends the whole tree to the builder
		return nil, err
	}
	all, err := f.bench.inTurns(ctx, f.bench.runs, tags)
	if err != nil {
		return nil, err
	}
	took := median(each(all[0], wall))
	return []row{atMost(4, "4s").judge(row{what: "docker buildx build --target tags, 20,000 files, one edited", ours: seconds(took)}, took)}, nil
}

// baked builds one edited source on many deps images at once.
func (f *frontends) baked(ctx context.Context) (_ []row, err error) {
	p, err := f.bench.newProject("baked")
	if err != nil {
		return nil, err
	}
	if err := f.syntax(p); err != nil {
		return nil, err
	}
	file := filepath.Join(f.bench.dir, "bake.hcl")
	if err := writeSource(file, bakeFile(p)); err != nil {
		return nil, err
	}
	names, err := p.names(ctx)
	if err != nil {
		return nil, err
	}
	dockerfiles, err := f.bakeDockerfiles(p, names.Lock)
	if err != nil {
		return nil, err
	}
	f.bench.say("pushing %d small deps images to the registry", bakeTargets)
	for i := range bakeTargets {
		if err := f.pushSmallDeps(ctx, fmt.Sprintf("baked-%d", i), names.Lock, byte(i)); err != nil {
			return nil, err
		}
	}
	builder, stop, err := f.bench.freshBuilder(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	bake := func(name, file string) contender {
		return contender{name, func(ctx context.Context) (s sample, err error) {
			if err := p.edit(); err != nil {
				return s, err
			}
			s.wall, err = f.on(ctx, builder.Addr, "bake", "--progress", "plain", "--jobs", bakeJobs, "--allow", "fs.read="+f.bench.dir, "-f", file)
			return s, err
		}}
	}
	all, err := f.bench.inTurns(ctx, f.bench.runs, bake("bake ours", file), bake("bake docker's", dockerfiles))
	if err != nil {
		return nil, err
	}
	ours, theirs := each(all[0], rate), each(all[1], rate)
	what := fmt.Sprintf("docker buildx bake, %d images after an edit, a second: COPY --link by docker's frontend", bakeTargets)
	r := row{what: what, ours: fmt.Sprintf("%.1f", median(ours)), theirs: fmt.Sprintf("%.1f", median(theirs))}
	return []row{atLeast(4, "4 a second").judge(withRatio(r, quotients(ours, theirs)), median(ours))}, nil
}

func rate(s sample) float64 { return bakeTargets / s.wall.Seconds() }

// pushSmallDeps pushes a deps image without its base, because nothing unpacks it.
func (f *frontends) pushSmallDeps(ctx context.Context, repository, tag string, seed byte) error {
	users, err := usersLayer()
	if err != nil {
		return err
	}
	layer, err := randomLayer(seed, randomFile)
	if err != nil {
		return err
	}
	config := baseConfig()
	config.Config.Labels = f.bench.depsLabels(config.Platform)
	_, err = f.bench.registry.PushImage(ctx, repository, tag, config, users, layer)
	return err
}

// bakeDockerfiles writes a bake file for the same images from the best Dockerfile, and returns its path.
func (f *frontends) bakeDockerfiles(p *project, lock string) (string, error) {
	dir := filepath.Join(f.bench.dir, "dockerfiles-baked")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	var text, names strings.Builder
	for i := range bakeTargets {
		file := filepath.Join(dir, fmt.Sprintf("%d", i))
		from := fmt.Sprintf("%s-%d:%s", p.repository, i, lock)
		if err := writeSource(file, "# syntax="+f.docker+"\n"+fmt.Sprintf(bestDockerfile, from)); err != nil {
			return "", err
		}
		fmt.Fprintf(&names, "%q, ", fmt.Sprintf("t%d", i))
		fmt.Fprintf(&text, "target \"t%d\" {\n  context = %q\n  dockerfile = %q\n"+
			"  attest = [\"type=provenance,disabled=true\"]\n  output = [\"type=image,name=%s-%d:dockerfile,push=true\"]\n}\n", i, p.dir, file, p.repository, i)
	}
	file := filepath.Join(dir, "bake.hcl")
	return file, writeSource(file, fmt.Sprintf("group \"default\" {\n  targets = [%s]\n}\n%s", strings.TrimSuffix(names.String(), ", "), text.String()))
}

// bakeFile returns a bake file with a target for each repository.
func bakeFile(p *project) string {
	var text, names strings.Builder
	for i := range bakeTargets {
		fmt.Fprintf(&names, "%q, ", fmt.Sprintf("t%d", i))
		fmt.Fprintf(&text, "target \"t%d\" {\n  context = %q\n  dockerfile = \"runtime.yaml\"\n  args = { REPOSITORY = \"%s-%d\" }\n"+
			"  attest = [\"type=provenance,disabled=true\"]\n  output = [\"type=image,\\\"name=*\\\",push=true\"]\n}\n", i, p.dir, p.repository, i)
	}
	return fmt.Sprintf("group \"default\" {\n  targets = [%s]\n}\n%s", strings.TrimSuffix(names.String(), ", "), text.String())
}
