package options

import (
	"net"
	"slices"
	"strings"

	"github.com/docker/go-units"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// Steps holds the options that change every step of a build, with buildx's names and meanings.
type Steps struct {
	ExtraHosts     []llb.HostIP
	Network        pb.NetMode
	ShmSize        int64 // bytes of /dev/shm; 0: the builder's default
	Ulimits        []*pb.Ulimit
	CgroupParent   string
	NoCache        bool
	NoCacheFilter  []string // stages
	CacheNamespace string
}

// stages are the stages that have steps.
var stages = []string{"system", "tools", "deps", "build", "extra", "test"}

// Group returns the rows of the table.
func (s *Steps) Group() Group {
	return Group{
		Name: "steps", Title: "How steps run", Commands: []string{"solve", "graph"},
		Options: ignoredByGraph([]Option{
			{Name: "add-host", Value: "HOST:IP", into: parsed(&s.ExtraHosts, parseHost),
				Help: "Additional host name for steps"},
			{Name: "network", Value: "MODE", Default: "default", Choices: []string{"default", "host", "none"}, into: network(&s.Network),
				Help: "Network of steps: default, host or none"},
			{Name: "shm-size", Value: "SIZE", into: optional(value{kindText, s.setShmSize}),
				Help: "Size of /dev/shm in steps, such as 128m"},
			{Name: "ulimit", Value: "NAME=SOFT[:HARD]", into: parsed(&s.Ulimits, parseUlimit),
				Help: "Limit for steps, such as nofile=1024:2048"},
			{Name: "cgroup-parent", Value: "CGROUP", into: text(&s.CgroupParent),
				Help: "Parent cgroup of steps"},
			{Name: "no-cache", into: boolean(&s.NoCache),
				Help: "Run all steps without the builder's cache"},
			{Name: "no-cache-filter", Value: "STAGE", Choices: stages, into: someOf(&s.NoCacheFilter, stages...),
				Help: "Stages whose steps run without the builder's cache: system, tools, deps, build, extra, test"},
			{Name: "cache-namespace", Value: "NAME", into: text(&s.CacheNamespace),
				Help: "Share the caches of package managers with builds of this namespace only (docs/caches.md)"},
		}),
	}
}

// RunOptions returns the options that every step gets.
func (s *Steps) RunOptions() []llb.RunOption {
	all := []llb.RunOption{llb.Network(s.Network)}
	for _, host := range s.ExtraHosts {
		all = append(all, llb.AddExtraHost(host.Host, host.IP))
	}
	if s.ShmSize > 0 {
		all = append(all, llb.AddMount("/dev/shm", llb.Scratch(), llb.Tmpfs(llb.TmpfsSize(s.ShmSize))))
	}
	for _, u := range s.Ulimits {
		all = append(all, llb.AddUlimit(llb.UlimitName(u.Name), u.Soft, u.Hard))
	}
	if s.CgroupParent != "" {
		all = append(all, llb.WithCgroupParent(s.CgroupParent))
	}
	return all
}

// Uncached reports whether the steps of a stage ignore the builder's cache.
func (s *Steps) Uncached(stage string) bool {
	return s.NoCache || slices.Contains(s.NoCacheFilter, stage)
}

// network parses a network mode, with buildx's names.
func network(into *pb.NetMode) value {
	modes := map[string]pb.NetMode{"default": llb.NetModeSandbox, "host": llb.NetModeHost, "none": llb.NetModeNone}
	return value{kindText, func(text string) error {
		mode, ok := modes[text]
		if !ok {
			return wrong(text, "must be default, host or none")
		}
		*into = mode
		return nil
	}}
}

// parseHost reads HOST:IP or HOST=IP, as buildx does. There may be several addresses, separated by commas, and each may be in brackets.
func parseHost(text string) ([]llb.HostIP, error) {
	host, addresses, ok := strings.Cut(text, "=")
	if !ok {
		host, addresses, ok = strings.Cut(text, ":")
	}
	if !ok || host == "" || strings.Contains(host, ":") {
		return nil, wrong(text, "must be HOST:IP")
	}
	if addresses == "host-gateway" { // buildx asks its builder
		return nil, wrong(text, "must be HOST:IP; give the address that host-gateway stands for")
	}
	var all []llb.HostIP
	for address := range strings.SplitSeq(addresses, ",") {
		if inner, ok := strings.CutPrefix(address, "["); ok && strings.HasSuffix(inner, "]") {
			address = strings.TrimSuffix(inner, "]")
		}
		ip := net.ParseIP(address)
		if ip == nil {
			return nil, wrong(text, "must be HOST:IP")
		}
		all = append(all, llb.HostIP{Host: host, IP: ip})
	}
	return all, nil
}

func (s *Steps) setShmSize(text string) error {
	size, err := units.RAMInBytes(text)
	if err != nil || size <= 0 {
		return wrong(text, "must be a number of bytes, or a number with k, m or g")
	}
	s.ShmSize = size
	return nil
}

func parseUlimit(text string) ([]*pb.Ulimit, error) {
	limit, err := units.ParseUlimit(text)
	if err != nil {
		return nil, wrong(text, "must be NAME=SOFT[:HARD]: NAME is one of ulimit's, such as nofile, and SOFT is at most HARD")
	}
	return []*pb.Ulimit{{Name: limit.Name, Soft: limit.Soft, Hard: limit.Hard}}, nil
}
