package main

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/cli/cli/config"
	"github.com/moby/buildkit/client/llb"
	buildctl "github.com/moby/buildkit/cmd/buildctl/build"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/solver/pb"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/plan"
	rtllb "github.com/rtbuild/rtbuild/llb"
)

// buildOptions are the flags that steer the solves, with buildx's names and meanings.
type buildOptions struct {
	noCache     bool
	progress    string
	retries     uint
	secrets     []string
	hosts       []string
	network     string
	args        []string
	labels      []string
	annotations []string
}

func (o *buildOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&o.noCache, "no-cache", false, "do not use the builder's cache for steps")
	flags.StringVar(&o.progress, "progress", "auto", "progress output: auto, tty, plain, quiet, rawjson")
	flags.UintVar(&o.retries, "retries", 2, "further attempts after a lost connection or a stumbling registry")
	flags.StringArrayVar(&o.secrets, "secret", nil, "secret for the build: id=npmrc,src=FILE; ids npmrc, netrc, pip.conf, apt-auth are mounted where tools read them")
	flags.StringArrayVar(&o.hosts, "add-host", nil, "host:ip for build steps")
	flags.StringVar(&o.network, "network", "default", "network of build steps: default, host, none")
	flags.StringArrayVar(&o.args, "build-arg", nil, "HTTP_PROXY, HTTPS_PROXY, NO_PROXY, ALL_PROXY, FTP_PROXY or SOURCE_DATE_EPOCH (default: the environment's)")
	flags.StringArrayVar(&o.labels, "label", nil, "label of the source image, key=value")
	flags.StringArrayVar(&o.annotations, "annotation", nil, "annotation of the source image's manifest, key=value")
}

// buildFlags are what the flags say, read before any work is done.
type buildFlags struct {
	request build.Request
	session []session.Attachable
}

func (o *buildOptions) read(caFile string) (*buildFlags, error) {
	if !slices.Contains(progressModes, o.progress) {
		return nil, fmt.Errorf("invalid --progress %q: it is one of %s", o.progress, strings.Join(progressModes, ", "))
	}
	request, err := o.request()
	if err != nil {
		return nil, err
	}
	attachables, err := o.session(caFile)
	return &buildFlags{request, attachables}, err
}

// progressModes are buildx's.
var progressModes = []string{"auto", "tty", "plain", "quiet", "rawjson"}

// request is the part of a request that the flags decide.
func (o *buildOptions) request() (build.Request, error) {
	var req build.Request
	args, err := pairs("--build-arg", o.args)
	if err != nil {
		return req, err
	}
	if req.Epoch, err = epoch(args); err != nil {
		return req, err
	}
	req.Proxy = proxies(args)
	for name := range args {
		warn(fmt.Sprintf("--build-arg %s is not used: only proxies and SOURCE_DATE_EPOCH are", name))
	}
	if req.Labels, err = pairs("--label", o.labels); err != nil {
		return req, err
	}
	if req.Annotations, err = pairs("--annotation", o.annotations); err != nil {
		return req, err
	}
	for _, given := range []map[string]string{req.Labels, req.Annotations} {
		for key := range given {
			if strings.HasPrefix(key, plan.LabelPrefix) {
				return req, fmt.Errorf("label or annotation %s is rtbuild's own: later builds rely on it; choose another key", key)
			}
		}
	}
	req.Steps, err = o.steps()
	return req, err
}

// steps are what the flags change for every step.
func (o *buildOptions) steps() ([]llb.RunOption, error) {
	modes := map[string]pb.NetMode{"default": llb.NetModeSandbox, "host": llb.NetModeHost, "none": llb.NetModeNone}
	mode, ok := modes[o.network]
	if !ok {
		return nil, fmt.Errorf("invalid --network %q: it is default, host or none", o.network)
	}
	opts := []llb.RunOption{llb.Network(mode)}
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

// session is what steps and the builder may ask us for: registry credentials and secrets. The CA bundle is a secret of
// every step.
func (o *buildOptions) session(caFile string) ([]session.Attachable, error) {
	secrets := o.secrets
	bundle, err := caBundle(caFile)
	if err != nil {
		return nil, err
	}
	if bundle != "" {
		secrets = append([]string{"id=" + rtllb.SecretCA + ",src=" + bundle}, secrets...)
	}
	provider, err := buildctl.ParseSecret(secrets)
	if err != nil {
		return nil, fmt.Errorf("invalid --secret: %w", err)
	}
	auth := authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{
		AuthConfigProvider: authprovider.LoadAuthConfig(config.LoadDefaultConfigFile(os.Stderr)),
	})
	return []session.Attachable{auth, provider}, nil
}

// allowed are the entitlements that the flags ask for.
func (o *buildOptions) allowed() []string {
	if o.network == "host" {
		return []string{"network.host"}
	}
	return nil
}

func pairs(flag string, list []string) (map[string]string, error) {
	m := map[string]string{}
	for _, text := range list {
		key, value, ok := strings.Cut(text, "=")
		if key == "" {
			return nil, fmt.Errorf("invalid %s %q: it is key=value", flag, text)
		}
		if !ok {
			value = os.Getenv(key)
		}
		m[key] = value
	}
	return m, nil
}

// take gives a build argument, else the environment's variable, under either case.
func take(args map[string]string, name string) string {
	var value string
	for _, n := range []string{name, strings.ToLower(name)} {
		if v, ok := args[n]; ok {
			delete(args, n)
			value = cmp.Or(value, v)
		}
	}
	return cmp.Or(value, os.Getenv(name), os.Getenv(strings.ToLower(name)))
}

// proxies are those of the build arguments and of the environment.
func proxies(args map[string]string) *llb.ProxyEnv {
	p := llb.ProxyEnv{
		HTTPProxy: take(args, "HTTP_PROXY"), HTTPSProxy: take(args, "HTTPS_PROXY"), FTPProxy: take(args, "FTP_PROXY"),
		NoProxy: take(args, "NO_PROXY"), AllProxy: take(args, "ALL_PROXY"),
	}
	if p == (llb.ProxyEnv{}) {
		return nil
	}
	return &p
}

func epoch(args map[string]string) (*time.Time, error) {
	text := take(args, "SOURCE_DATE_EPOCH")
	if text == "" {
		return nil, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("invalid SOURCE_DATE_EPOCH %q: it is a number of seconds since 1970", text)
	}
	t := time.Unix(seconds, 0).UTC()
	return &t, nil
}

// fetchesTools reports whether we download tools ourselves: the builder's own downloads know neither our CA nor a proxy.
func (f *buildFlags) fetchesTools(caFile string) bool {
	p := f.request.Proxy
	return caFile != "" || p != nil && cmp.Or(p.HTTPProxy, p.HTTPSProxy, p.AllProxy) != ""
}
