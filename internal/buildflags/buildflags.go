// Package buildflags says what the options of a build mean for BuildKit. It turns the values of package options into [publish.Settings] and
// exports. Options have buildx's names and meanings.
//
// Beside the options it reads environment variables that options fall back to, Docker's config, and the files that secrets name.
package buildflags

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	buildctl "github.com/moby/buildkit/cmd/buildctl/build"
	"github.com/moby/buildkit/util/entitlements"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/publish"
	"github.com/rtbuild/rtbuild/internal/trust"
)

// Options are the options of a build, as the user gave them.
type Options struct {
	options.Build
	options.Steps
	options.Caches
	options.Attestations
}

// Sets are the groups of the table that the options are in.
func (o *Options) Sets() []options.Set {
	return []options.Set{&o.Build, &o.Steps, &o.Caches, &o.Attestations}
}

// Flags are what options mean.
type Flags struct {
	publish.Settings

	annotations annotations
	logins      *trust.Logins
}

// Read reads what options mean. caFile is a PEM file of certificate authorities that steps trust besides the system's; it may be empty.
// warn is told what is no error.
//
// A value that cannot be used is an [*options.Error].
func Read(o *Options, caFile string, warn func(string)) (*Flags, error) {
	common, err := request(o, warn)
	if err != nil {
		return nil, err
	}
	f := &Flags{annotations: o.Annotations}
	f.Settings = publish.Settings{
		Common: common, Annotations: f.annotations.manifest, ExportAnnotations: f.annotations.export(), Attests: o.Attrs(),
		Entitlements: allowed(o), CAFile: caFile, Retries: o.Retries, Progress: o.Progress,
	}
	if err := imagebuild.CheckAttests(f.Attests, common.Proxy); err != nil {
		return nil, err
	}
	if f.CacheImports, err = readCaches(options.CacheFrom, o.From, buildctl.ParseImportCache); err != nil {
		return nil, err
	}
	if f.CacheExports, err = readCaches(options.CacheTo, o.To, buildctl.ParseExportCache); err != nil {
		return nil, err
	}
	if f.logins, err = trust.ReadLogins(warn); err != nil {
		return nil, err
	}
	if f.Session, err = attachables(o, caFile, warn); err != nil {
		return nil, err
	}
	f.Passwords = builderLogins(f.logins)
	return f, f.checkKeys()
}

// request is the part of a request that options decide.
func request(o *Options, warn func(string)) (imagebuild.Request, error) {
	env, err := environment(o.Args, warn)
	if err != nil {
		return imagebuild.Request{}, err
	}
	return imagebuild.Request{
		Epoch: env.Epoch, Proxy: env.Proxies(), Labels: options.Pairs(o.Labels, nil),
		NoCache: o.Uncached, CacheNamespace: o.CacheNamespace, Steps: o.RunOptions(),
	}, nil
}

// allowed are the entitlements that options need.
func allowed(o *Options) []string {
	if o.Network == llb.NetModeHost {
		return []string{entitlements.EntitlementNetworkHost.String()}
	}
	return nil
}

// environment is what build arguments say and, for those that say nothing, variables of the same names.
func environment(args []options.KeyValue, warn func(string)) (*options.Environment, error) {
	var env options.Environment
	given := options.Pairs(args, os.LookupEnv)
	unknown, err := options.ReadArguments(given, options.BuildArgFlag, &env)
	if err != nil {
		return nil, err
	}
	for _, name := range unknown {
		warn(fmt.Sprintf("--build-arg %s is not used: only proxies and SOURCE_DATE_EPOCH are", name))
	}
	inherited := map[string]string{}
	for _, o := range env.Group().Options {
		if !says(given, o.Arg) {
			inherited[o.Arg] = cmp.Or(os.Getenv(o.Arg), os.Getenv(strings.ToLower(o.Arg)))
		}
	}
	_, err = options.ReadArguments(inherited, options.Variables, &env)
	return &env, err
}

// says reports whether a build argument has a value, in capitals or not.
func says(given map[string]string, arg string) bool {
	for name, value := range given {
		if strings.EqualFold(name, arg) && value != "" {
			return true
		}
	}
	return false
}

// checkKeys keeps users from keys that are rtbuild's.
func (f *Flags) checkKeys() error {
	keys := slices.Collect(maps.Keys(f.Common.Labels))
	for _, a := range f.annotations {
		keys = append(keys, a.Key)
	}
	for _, key := range keys {
		if strings.HasPrefix(key, plan.LabelPrefix) {
			return fmt.Errorf("label or annotation %s is rtbuild's own: later builds rely on it; choose another key", key)
		}
	}
	return nil
}

// readCaches reads the values of an option by buildctl's parser.
func readCaches(name options.Name, values []string, parse func([]string) ([]client.CacheOptionsEntry, error)) ([]client.CacheOptionsEntry, error) {
	var all []client.CacheOptionsEntry
	for _, value := range values {
		parsed, err := parse([]string{value})
		if err != nil {
			return nil, options.Flags.Invalid(name, value, err)
		}
		all = append(all, parsed...)
	}
	return all, nil
}

// PublishTo tells the session which repository's login a builder gets that names its host alone.
func (f *Flags) PublishTo(repository string) {
	if named, err := reference.ParseNormalizedNamed(repository); err == nil {
		f.logins.Expect(reference.Domain(named), reference.Path(named))
	}
}
