// Package buildflags turns the options of a build into [publish.Settings] and exports. Options have buildx's names and meanings.
//
// Apart from the options, it reads Docker's config, the files that secrets name, and the environment variables that options fall back to.
package buildflags

import (
	"cmp"
	"errors"
	"fmt"
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

	"github.com/rtbuild/rtbuild/internal/publish"
	"github.com/rtbuild/rtbuild/internal/trust"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// Options are the options of a build, as the user gave them.
type Options struct {
	options.Build
	options.Steps
	options.Caches
	options.Attestations
}

// Sets returns the groups of the table that the options belong to.
func (o *Options) Sets() []options.Set {
	return []options.Set{&o.Build, &o.Steps, &o.Caches, &o.Attestations}
}

// Settings are the settings that options select.
type Settings struct {
	publish.Settings

	annotations annotations
	logins      *trust.Logins
}

// Read reads the options of a build. args are the build arguments that the runtime names. caFile is a PEM file of certificate authorities
// that steps trust besides the system's; it may be empty. Read calls warn for problems that are no errors.
//
// A value that does not parse, and a secret or SSH agent that does not exist, is an [*options.Error]. Other errors have no type: an
// attestation that [imagebuild.CheckAttests] refuses, a label or annotation of rtbuild's own, and a Docker config or caFile that cannot
// be read.
func Read(o *Options, args []string, caFile string, warn func(string)) (*Settings, error) {
	common, err := request(o, args, warn)
	if err != nil {
		return nil, err
	}
	s := &Settings{annotations: o.Annotations}
	s.Settings = publish.Settings{
		Common: common, Annotations: s.annotations.manifest, ExportAnnotations: s.annotations.export(), Attests: o.Attrs(),
		Entitlements: requiredEntitlements(o), CAFile: caFile, Retries: o.Retries, Progress: o.Progress,
	}
	if err := imagebuild.CheckAttests(s.Attests, common.Proxy); err != nil {
		return nil, err
	}
	if s.CacheImports, err = readCaches(options.CacheFrom, o.From, buildctl.ParseImportCache); err != nil {
		return nil, err
	}
	if s.CacheExports, err = cacheExports(o.To); err != nil {
		return nil, err
	}
	if s.logins, err = trust.ReadLogins(warn); err != nil {
		return nil, err
	}
	if s.Session, err = attachables(o, caFile, warn); err != nil {
		return nil, err
	}
	s.Passwords = s.logins.ForBuilder()
	return s, s.checkKeys()
}

// request returns the part of a request that options decide.
func request(o *Options, args []string, warn func(string)) (imagebuild.Request, error) {
	given := options.Pairs(o.Args, os.LookupEnv)
	env, unknown, err := environment(given)
	if err != nil {
		return imagebuild.Request{}, err
	}
	for _, name := range unknown {
		if !slices.Contains(args, name) {
			warn(fmt.Sprintf("--build-arg %s is not used: only proxies, SOURCE_DATE_EPOCH and the names that runtime.yaml lists below args are", name))
		}
	}
	return imagebuild.Request{
		Epoch: env.Epoch, Proxy: env.Proxies(), Labels: options.Pairs(o.Labels, nil),
		Args: given, NoCache: o.Uncached, CacheNamespace: o.CacheNamespace, Steps: o.RunOptions(),
	}, nil
}

// requiredEntitlements returns the entitlements that the options need.
func requiredEntitlements(o *Options) []string {
	if o.Network == llb.NetModeHost {
		return []string{entitlements.EntitlementNetworkHost.String()}
	}
	return nil
}

// environment reads build arguments and, for those without a value, environment variables of the same names. It also returns the names of
// arguments that are not for all builds.
func environment(given map[string]string) (_ *options.Environment, unknown []string, err error) {
	var env options.Environment
	unknown, err = options.ReadArguments(given, options.BuildArgFlag, &env)
	if err != nil {
		return nil, nil, err
	}
	inherited := map[string]string{}
	for _, o := range env.Group().Options {
		if !hasValue(given, o.Arg) {
			inherited[o.Arg] = cmp.Or(os.Getenv(o.Arg), os.Getenv(strings.ToLower(o.Arg)))
		}
	}
	_, err = options.ReadArguments(inherited, options.Variables, &env)
	return &env, unknown, err
}

// hasValue reports whether a build argument has a value. The case of its name does not matter.
func hasValue(given map[string]string, arg string) bool {
	for name, value := range given {
		if strings.EqualFold(name, arg) && value != "" {
			return true
		}
	}
	return false
}

// checkKeys refuses labels and annotations whose keys belong to rtbuild.
func (s *Settings) checkKeys() error {
	for _, a := range s.annotations {
		if err := labels.CheckKey("annotation", a.Key); err != nil {
			return err
		}
	}
	return labels.CheckKeys(s.Common.Labels)
}

// readCaches parses the values of an option with buildctl's parser.
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

// cacheExports reads --cache-to. A builder reports the manifest of its last cache alone, and BuildKit's client writes that one into
// the index of every local cache. A local cache is therefore the last one, and there is one at most.
func cacheExports(values []string) ([]client.CacheOptionsEntry, error) {
	all, err := readCaches(options.CacheTo, values, buildctl.ParseExportCache)
	if err != nil {
		return nil, err
	}
	var local []client.CacheOptionsEntry
	all = slices.DeleteFunc(all, func(e client.CacheOptionsEntry) bool {
		if e.Type == "local" {
			local = append(local, e)
		}
		return e.Type == "local"
	})
	if len(local) > 1 {
		return nil, options.Flags.Invalid(options.CacheTo, "type=local,dest="+local[1].Attrs["dest"],
			errors.New("there can be one local cache; copy the directory after the build, or use a cache in a registry"))
	}
	return append(all, local...), nil
}

// PublishTo sets which repository's login a builder gets if it names only the host.
func (s *Settings) PublishTo(repository string) {
	if named, err := reference.ParseNormalizedNamed(repository); err == nil {
		s.logins.Expect(reference.Domain(named), reference.Path(named))
	}
}
