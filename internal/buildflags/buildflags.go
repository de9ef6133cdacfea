// Package buildflags says what the options of a build mean for BuildKit. It turns the values of [options] into the parts of a request, the
// attachables of a session, the attributes of a solve and its exports. Flags have buildx's names and meanings.
//
// What it reads outside of the options: environment variables that options fall back to, Docker's config, and the files that secrets name.
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
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/util/entitlements"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
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
	Request   build.Request                   // the part of a request that options decide
	Attests   map[string]string               // attributes of a solve
	Allowed   []string                        // entitlements of a solve
	Imports   []client.CacheOptionsEntry      // caches that are read
	Exports   []client.CacheOptionsEntry      // caches that are written
	Session   []session.Attachable            // secrets and SSH agents
	Logins    *trust.Logins                   // of registries
	Passwords authprovider.AuthConfigProvider // Logins, as a builder asks for them

	annotations []options.ImageAnnotation
}

// Read reads what options mean. caFile is a PEM file of certificate authorities that steps trust besides the system's; it may be empty.
// warn is told what is no error.
//
// A value that cannot be used is an [*options.Error].
func Read(o *Options, caFile string, warn func(string)) (*Flags, error) {
	f := &Flags{annotations: o.Annotations, Attests: o.Attrs()}
	var err error
	if f.Request, err = request(o, warn); err != nil {
		return nil, err
	}
	if err := build.CheckAttests(f.Attests, f.Request.Proxy); err != nil {
		return nil, err
	}
	if f.Imports, err = readCaches(options.CacheFrom, o.From, buildctl.ParseImportCache); err != nil {
		return nil, err
	}
	if f.Exports, err = readCaches(options.CacheTo, o.To, buildctl.ParseExportCache); err != nil {
		return nil, err
	}
	if f.Logins, err = trust.ReadLogins(warn); err != nil {
		return nil, err
	}
	if f.Session, err = attachables(o, caFile, warn); err != nil {
		return nil, err
	}
	f.Passwords = builderLogins(f.Logins)
	if o.Network == llb.NetModeHost {
		f.Allowed = []string{entitlements.EntitlementNetworkHost.String()}
	}
	return f, f.checkKeys()
}

// request is the part of a request that options decide.
func request(o *Options, warn func(string)) (build.Request, error) {
	env, err := environment(o.Args, warn)
	if err != nil {
		return build.Request{}, err
	}
	return build.Request{
		Epoch: env.Epoch, Proxy: env.Proxies(), Labels: options.Pairs(o.Labels, nil),
		NoCache: o.Uncached, CacheNamespace: o.CacheNamespace, Steps: o.RunOptions(),
	}, nil
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
		named := func(name, value string) bool { return strings.EqualFold(name, o.Arg) && value != "" }
		if !anyPair(given, named) {
			inherited[o.Arg] = cmp.Or(os.Getenv(o.Arg), os.Getenv(strings.ToLower(o.Arg)))
		}
	}
	_, err = options.ReadArguments(inherited, options.Variables, &env)
	return &env, err
}

func anyPair(m map[string]string, match func(key, value string) bool) bool {
	for key, value := range m {
		if match(key, value) {
			return true
		}
	}
	return false
}

// checkKeys keeps users from keys that are rtbuild's.
func (f *Flags) checkKeys() error {
	keys := slices.Collect(maps.Keys(f.Request.Labels))
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

// InlineExports are the caches that travel in the image itself.
func (f *Flags) InlineExports() []client.CacheOptionsEntry {
	return slices.DeleteFunc(slices.Clone(f.Exports), func(e client.CacheOptionsEntry) bool { return e.Type != "inline" })
}

// PublishTo tells the session which repository's login a builder gets that names its host alone.
func (f *Flags) PublishTo(repository string) {
	if named, err := reference.ParseNormalizedNamed(repository); err == nil {
		f.Logins.Expect(reference.Domain(named), reference.Path(named))
	}
}

// DownloadsTools reports whether rtbuild-client downloads tools itself: the builder's own downloads know neither our CA nor a proxy.
func (f *Flags) DownloadsTools(caFile string) bool {
	p := f.Request.Proxy
	return caFile != "" || p != nil && cmp.Or(p.HTTPProxy, p.HTTPSProxy, p.AllProxy) != ""
}
