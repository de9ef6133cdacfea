package frontend

import (
	"encoding/json"
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/profile"
)

// buildOptions are the options of a build that dockerui does not read.
type buildOptions struct {
	profile profile.Options
	options.Planning
	options.Environment
	scan        options.Scanning
	compression options.Compression  // of the output, which a frontend cannot see
	plans       map[string]plan.JSON // passed on by another frontend, by platform
}

// readOptions reads the build arguments. It also returns the names of unknown ones, sorted.
func readOptions(ui *dockerui.Client) (o buildOptions, unknown []string, err error) {
	var runtime options.Runtime
	o.Pull = ui.ImageResolveMode == llb.ResolveModeForcePull
	unknown, err = options.ReadArguments(ui.BuildArgs, options.BuildArguments, &runtime, &o.Planning, &o.Environment, &o.scan, &o.compression)
	if err != nil {
		return o, nil, err
	}
	o.profile = profile.Overrides(&runtime, options.BuildArguments)
	if text := ui.BuildOpts().Opts[plansKey]; text != "" {
		if err := json.Unmarshal([]byte(text), &o.plans); err != nil {
			return o, nil, fmt.Errorf("reading the option %s: %w", plansKey, err)
		}
	}
	return o, unknown, nil
}

// argNames returns the names of the known build arguments.
func argNames() []string {
	var names []string
	for _, o := range options.Arguments() {
		names = append(names, o.Arg)
	}
	return names
}

// argOf returns the build argument that overrides a field of the runtime file, or "" if there is none.
func argOf(field string) string {
	for _, o := range options.Arguments() {
		if field != "" && o.Field == field {
			return o.Arg
		}
	}
	return ""
}

// runOptions returns the options of the command line for every step.
func runOptions(ui *dockerui.Client) []llb.RunOption {
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
