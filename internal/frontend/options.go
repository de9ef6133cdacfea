package frontend

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/profile"
)

// options are what the command line of a build says, beside what dockerui reads of it.
type options struct {
	profile  profile.Options
	previous string
	reuse    []string
	force    bool
	pull     bool
	variant  plan.Variant
	epoch    *time.Time
	scanAll  bool
	plans    map[string]plan.JSON // what another frontend has planned, by platform
	proxy    *llb.ProxyEnv
}

// arg is a build argument that we know: the client's flag of that name, in capitals.
type arg struct {
	name  string
	about string
	set   func(o *options, value string) error
}

var args = []arg{
	{"BASE_IMAGE", "base image, in place of the file's", text(func(o *options) *string { return &o.profile.Base })},
	{"EXTRA_DEPS", "shell command that is run last, on top of the source", func(o *options, v string) error {
		o.profile.Extra = &v
		return nil
	}},
	{"FORCE_REBUILD", "ignore the images that exist", boolean(func(o *options) *bool { return &o.force })},
	{"NO_BROWSER", "leave the browser out (profile openhands)", boolean(func(o *options) *bool { return &o.profile.NoBrowser })},
	{"PREVIOUS_VERSION", "version whose versioned image may be entered", text(func(o *options) *string { return &o.previous })},
	{"PROFILE", "profile: node, python, openhands", text(func(o *options) *string { return &o.profile.Profile })},
	{"PULL", "rebuild what was made from an older base or by an older recipe", boolean(func(o *options) *bool { return &o.pull })},
	{"REPOSITORY", "repository of the images, HOST/PATH", text(func(o *options) *string { return &o.profile.Repository })},
	{"REUSE_FROM", "further repositories in which deps images are looked for, separated by commas", repositories},
	{"RUNTIME_VERSION", "version in the tags", text(func(o *options) *string { return &o.profile.Version })},
	{"SBOM_SCAN_ALL", "let the bill of materials of a source image cover its deps image too, which pulls it",
		boolean(func(o *options) *bool { return &o.scanAll })},
	{"SOURCE_DATE_EPOCH", "time stamp of what is added, in seconds since 1970", func(o *options, v string) error {
		seconds, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no number of seconds since 1970", v)
		}
		t := time.Unix(seconds, 0).UTC()
		o.epoch = &t
		return nil
	}},
	{"VARIANT", "enter here: none, lock, versioned, scratch", func(o *options, v string) (err error) {
		o.variant, err = plan.ParseVariant(v)
		return err
	}},
}

// proxyArgs are what BuildKit keeps out of every cache key. Both cases are known.
var proxyArgs = []string{"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"}

func text(field func(*options) *string) func(*options, string) error {
	return func(o *options, value string) error {
		*field(o) = value
		return nil
	}
}

// repositories reads REUSE_FROM. Empty ones are none: bake files put lists together of variables that may not be set.
func repositories(o *options, value string) error {
	for text := range strings.SplitSeq(value, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		if named, err := reference.ParseNormalizedNamed(text); err != nil || !reference.IsNameOnly(named) {
			return fmt.Errorf("%q is no repository: write it without a tag, HOST/PATH", text)
		}
		o.reuse = append(o.reuse, text)
	}
	return nil
}

func boolean(field func(*options) *bool) func(*options, string) error {
	return func(o *options, value string) (err error) {
		if *field(o), err = strconv.ParseBool(value); err != nil {
			err = fmt.Errorf("%q is neither true nor false", value)
		}
		return err
	}
}

// readOptions reads the build arguments. Those that nobody knows are given back, sorted. An empty value is none: so bake
// files may pass on variables that are not set.
func readOptions(ui *dockerui.Client) (o options, unknown []string, err error) {
	o.pull = ui.ImageResolveMode == llb.ResolveModeForcePull
	given := map[string]string{}
	for name, value := range ui.BuildArgs {
		at := slices.IndexFunc(args, func(a arg) bool { return a.name == name })
		switch upper := strings.ToUpper(name); {
		case slices.Contains(proxyArgs, upper):
			given[upper] = value
		case at < 0 && !strings.HasPrefix(name, "BUILDKIT_"):
			unknown = append(unknown, name)
		case at >= 0 && value != "":
			if err := args[at].set(&o, value); err != nil {
				return o, nil, fmt.Errorf("invalid build argument %s: %w", name, err)
			}
		}
	}
	slices.Sort(unknown)
	if text := ui.BuildOpts().Opts[plansKey]; text != "" {
		if err := json.Unmarshal([]byte(text), &o.plans); err != nil {
			return o, nil, fmt.Errorf("reading the option %s: %w", plansKey, err)
		}
	}
	if p := (llb.ProxyEnv{
		HTTPProxy: given["HTTP_PROXY"], HTTPSProxy: given["HTTPS_PROXY"], FTPProxy: given["FTP_PROXY"],
		NoProxy: given["NO_PROXY"], AllProxy: given["ALL_PROXY"],
	}); p != (llb.ProxyEnv{}) {
		o.proxy = &p
	}
	return o, unknown, nil
}

// argNames are the build arguments that we know.
func argNames() []string {
	names := slices.Clone(proxyArgs)
	for _, a := range args {
		names = append(names, a.name)
	}
	return names
}

// steps are what the command line changes for every step.
func steps(ui *dockerui.Client) []llb.RunOption {
	opts := []llb.RunOption{llb.Network(ui.NetworkMode)}
	for _, host := range ui.ExtraHosts {
		opts = append(opts, llb.AddExtraHost(host.Host, host.IP))
	}
	for _, u := range ui.Ulimits {
		opts = append(opts, llb.AddUlimit(llb.UlimitName(u.Name), u.Soft, u.Hard))
	}
	if ui.ShmSize > 0 {
		opts = append(opts, llb.AddMount("/dev/shm", llb.Scratch(), llb.Tmpfs(llb.TmpfsSize(ui.ShmSize))))
	}
	if ui.CgroupParent != "" {
		opts = append(opts, llb.WithCgroupParent(ui.CgroupParent))
	}
	if ui.Hostname != "" {
		opts = append(opts, llb.With(llb.Hostname(ui.Hostname)))
	}
	if r := ui.LinuxResources; r != nil {
		opts = append(opts, llb.WithLinuxResources(llb.LinuxResources{
			Memory: r.Memory, MemorySwap: r.MemorySwap, CPUShares: r.CpuShares, CPUPeriod: r.CpuPeriod, CPUQuota: r.CpuQuota,
			CpusetCpus: r.CpusetCpus, CpusetMems: r.CpusetMems,
		}))
	}
	return opts
}
