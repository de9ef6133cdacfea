package main

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/docker/go-units"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/spf13/cobra"
)

// stepOptions are the flags that change every step, with buildx's names and meanings.
type stepOptions struct {
	hosts        []string
	network      string
	shmSize      string
	ulimits      []string
	cgroupParent string
	noCache      bool
	filter       []string
	namespace    string
}

func (o *stepOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&o.hosts, "add-host", nil, "host:ip for build steps")
	flags.StringVar(&o.network, "network", "default", "network of build steps: default, host, none")
	flags.StringVar(&o.shmSize, "shm-size", "", "size of /dev/shm in build steps, such as 128m")
	flags.StringArrayVar(&o.ulimits, "ulimit", nil, "limit for build steps, name=soft[:hard], such as nofile=1024:2048 (repeatable)")
	flags.StringVar(&o.cgroupParent, "cgroup-parent", "", "parent cgroup of build steps")
	flags.BoolVar(&o.noCache, "no-cache", false, "do not use the builder's cache for steps")
	flags.StringArrayVar(&o.filter, "no-cache-filter", nil, "stages whose steps do not use the builder's cache: system, tools, deps, extra")
	flags.StringVar(&o.namespace, "cache-namespace", "", "share the directories that package managers cache in with builds of this namespace only (docs/caches.md)")
}

// options are what the flags add to every step.
func (o *stepOptions) options() ([]llb.RunOption, error) {
	modes := map[string]pb.NetMode{"default": llb.NetModeSandbox, "host": llb.NetModeHost, "none": llb.NetModeNone}
	mode, ok := modes[o.network]
	if !ok {
		return nil, fmt.Errorf("invalid --network %q: it is default, host or none", o.network)
	}
	opts := []llb.RunOption{llb.Network(mode)}
	for _, add := range []func() ([]llb.RunOption, error){o.extraHosts, o.sharedMemory, o.limits} {
		more, err := add()
		if err != nil {
			return nil, err
		}
		opts = append(opts, more...)
	}
	if o.cgroupParent != "" {
		opts = append(opts, llb.WithCgroupParent(o.cgroupParent))
	}
	return opts, nil
}

func (o *stepOptions) extraHosts() ([]llb.RunOption, error) {
	var opts []llb.RunOption
	for _, text := range o.hosts {
		host, addr, ok := strings.Cut(text, ":")
		if !ok {
			host, addr, ok = strings.Cut(text, "=")
		}
		ip := net.ParseIP(strings.Trim(addr, "[]"))
		if !ok || ip == nil {
			return nil, fmt.Errorf("invalid --add-host %q: it is host:ip", text)
		}
		opts = append(opts, llb.AddExtraHost(host, ip))
	}
	return opts, nil
}

func (o *stepOptions) sharedMemory() ([]llb.RunOption, error) {
	if o.shmSize == "" {
		return nil, nil
	}
	size, err := units.RAMInBytes(o.shmSize)
	if err != nil || size <= 0 {
		return nil, fmt.Errorf("invalid --shm-size %q: it is a number of bytes, or of k, m or g", o.shmSize)
	}
	return []llb.RunOption{llb.AddMount("/dev/shm", llb.Scratch(), llb.Tmpfs(llb.TmpfsSize(size)))}, nil
}

func (o *stepOptions) limits() ([]llb.RunOption, error) {
	var opts []llb.RunOption
	for _, text := range o.ulimits {
		limit, err := units.ParseUlimit(text)
		if err != nil {
			return nil, fmt.Errorf("invalid --ulimit %q: it is name=soft[:hard]: %w", text, err)
		}
		opts = append(opts, llb.AddUlimit(llb.UlimitName(limit.Name), limit.Soft, limit.Hard))
	}
	return opts, nil
}

// cachedStages are those that have steps.
var cachedStages = []string{"system", "tools", "deps", "extra"}

// uncached tells for each stage whether its steps run again although the builder has their results.
func (o *stepOptions) uncached() (func(stage string) bool, error) {
	var stages []string
	for text := range strings.SplitSeq(strings.Join(o.filter, ","), ",") {
		if text != "" && !slices.Contains(cachedStages, text) {
			return nil, fmt.Errorf("invalid --no-cache-filter %q: it is one of %s", text, strings.Join(cachedStages, ", "))
		}
		stages = append(stages, text)
	}
	return func(stage string) bool { return o.noCache || slices.Contains(stages, stage) }, nil
}

// allowed are the entitlements that the flags ask for.
func (o *stepOptions) allowed() []string {
	if o.network == "host" {
		return []string{"network.host"}
	}
	return nil
}
