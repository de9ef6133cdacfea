package frontend

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/profile"
)

// buildOptions are what the command line of a build says, beside what dockerui reads of it.
type buildOptions struct {
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

// readOptions reads the build arguments. It gives the names of those that are unknown, sorted.
func readOptions(ui *dockerui.Client) (o buildOptions, unknown []string, err error) {
	var (
		runtime     options.Runtime
		planning    = options.Planning{Pull: ui.ImageResolveMode == llb.ResolveModeForcePull}
		environment options.Environment
		scanning    options.Scanning
	)
	unknown, err = options.ReadArguments(ui.BuildArgs, options.BuildArguments, &runtime, &planning, &environment, &scanning)
	if err != nil {
		return o, nil, err
	}
	o = buildOptions{
		profile: profile.Overrides(&runtime, options.BuildArguments), previous: planning.PreviousVersion, reuse: planning.ReuseFrom, force: planning.Force, pull: planning.Pull,
		variant: plan.Variant(planning.Variant), epoch: environment.Epoch, proxy: environment.Proxies(), scanAll: scanning.All,
	}
	if text := ui.BuildOpts().Opts[plansKey]; text != "" {
		if err := json.Unmarshal([]byte(text), &o.plans); err != nil {
			return o, nil, fmt.Errorf("reading the option %s: %w", plansKey, err)
		}
	}
	return o, unknown, nil
}

// argNames are the build arguments that we know.
func argNames() []string {
	var names []string
	for _, o := range options.Arguments() {
		names = append(names, o.Arg)
	}
	return names
}

// argOf is the build argument that goes before a field of the runtime file; empty if there is none.
func argOf(field string) string {
	for _, o := range options.Arguments() {
		if field != "" && o.Field == field {
			return o.Arg
		}
	}
	return ""
}

// steps are what the command line changes for every step.
func steps(ui *dockerui.Client) []llb.RunOption {
	common := options.Steps{
		Network: ui.NetworkMode, ExtraHosts: ui.ExtraHosts, Ulimits: ui.Ulimits, ShmSize: ui.ShmSize, CgroupParent: ui.CgroupParent,
	}
	opts := common.RunOptions()
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
