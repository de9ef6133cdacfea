package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"
	bkllb "github.com/moby/buildkit/client/llb"
	buildctl "github.com/moby/buildkit/cmd/buildctl/build"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/session/sshforward"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/trust"
	"github.com/rtbuild/rtbuild/llb"
)

// buildOptions are the flags that steer the solves, with buildx's names and meanings.
type buildOptions struct {
	step        stepOptions
	cache       cacheOptions
	attest      attestOptions
	progress    string
	retries     uint
	secrets     []string
	ssh         []string
	args        []string
	labels      []string
	annotations []string
}

func (o *buildOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.progress, "progress", "auto", "progress output: auto, tty, plain, quiet, rawjson")
	flags.UintVar(&o.retries, "retries", 2, "further attempts after a lost connection or a stumbling registry")
	flags.StringArrayVar(&o.secrets, "secret", nil, "secret for the build: id=npmrc,src=FILE; ids npmrc, netrc, pip.conf, apt-auth are mounted where tools read them")
	flags.StringArrayVar(&o.ssh, "ssh", nil, "SSH agent for steps that fetch from repositories: default, or default=SOCKET|KEY[,KEY] (repeatable)")
	flags.StringArrayVar(&o.args, "build-arg", nil, "HTTP_PROXY, HTTPS_PROXY, NO_PROXY, ALL_PROXY, FTP_PROXY or SOURCE_DATE_EPOCH (default: the environment's)")
	flags.StringArrayVar(&o.labels, "label", nil, "label of the source image, KEY=VALUE; KEY alone is an empty label, as in buildx (repeatable)")
	flags.StringArrayVar(&o.annotations, "annotation", nil, "annotation of the source image, [manifest|manifest-descriptor|index|index-descriptor:]key=value")
	o.step.register(cmd)
	o.cache.register(cmd)
	o.attest.register(cmd)
}

// buildFlags are what the flags say, read before any work is done.
type buildFlags struct {
	request     build.Request // the part that the flags decide
	annotations []annotation
	attests     map[string]string // attributes of a solve
	caches      caches
	session     []session.Attachable
	logins      *trust.Logins                   // of registries
	passwords   authprovider.AuthConfigProvider // the same, for the builder
}

func (o *buildOptions) read(caFile string) (*buildFlags, error) {
	if !slices.Contains(progressModes, o.progress) {
		return nil, fmt.Errorf("invalid --progress %q: it is one of %s", o.progress, strings.Join(progressModes, ", "))
	}
	f := &buildFlags{}
	var err error
	if f.request, err = o.request(); err != nil {
		return nil, err
	}
	if f.annotations, err = parseAnnotations(o.annotations); err != nil {
		return nil, err
	}
	if f.attests, err = o.attest.read(); err != nil {
		return nil, err
	}
	if err := build.CheckAttests(f.attests, f.request.Proxy); err != nil {
		return nil, err
	}
	if f.caches, err = o.cache.read(); err != nil {
		return nil, err
	}
	if f.logins, err = trust.ReadLogins(warn); err != nil {
		return nil, err
	}
	if f.session, err = o.session(caFile); err != nil {
		return nil, err
	}
	f.passwords = f.logins.ForBuilder()
	return f, f.checkOwn()
}

// publishTo tells the session which repository's login a builder gets that names its host alone.
func (f *buildFlags) publishTo(repository string) {
	if named, err := reference.ParseNormalizedNamed(repository); err == nil {
		f.logins.Expect(reference.Domain(named), reference.Path(named))
	}
}

// checkOwn keeps users from keys that are ours.
func (f *buildFlags) checkOwn() error {
	keys := slices.Collect(maps.Keys(f.request.Labels))
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

// progressModes are buildx's.
var progressModes = []string{"auto", "tty", "plain", "quiet", "rawjson"}

// request is the part of a request that the flags decide.
func (o *buildOptions) request() (build.Request, error) {
	var req build.Request
	args, err := pairs("--build-arg", o.args, os.LookupEnv)
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
	if req.Labels, err = pairs("--label", o.labels, empty); err != nil {
		return req, err
	}
	if req.NoCache, err = o.step.uncached(); err != nil {
		return req, err
	}
	req.CacheNamespace = o.step.namespace
	req.Steps, err = o.step.options()
	return req, err
}

// session is what steps may ask us for: secrets and SSH agents. The CA bundle is a secret of every step.
func (o *buildOptions) session(caFile string) ([]session.Attachable, error) {
	secrets := o.secrets
	bundle, err := trust.Bundle(caFile)
	if err != nil {
		return nil, err
	}
	if bundle != "" {
		secrets = append([]string{"id=" + llb.SecretCA + ",src=" + bundle}, secrets...)
	}
	provider, err := buildctl.ParseSecret(secrets)
	if err != nil {
		return nil, fmt.Errorf("invalid --secret: %w", err)
	}
	attachables := []session.Attachable{provider}
	if len(o.ssh) == 0 {
		return attachables, nil
	}
	agents, err := o.agents()
	return append(attachables, agents), err
}

// agents are the SSH agents and keys that steps may use. Ours use the one that is called default.
func (o *buildOptions) agents() (session.Attachable, error) {
	configs, err := buildctl.ParseSSH(o.ssh)
	if err != nil {
		return nil, fmt.Errorf("invalid --ssh: %w", err)
	}
	for _, c := range configs {
		if c.ID != "" && c.ID != sshforward.DefaultID {
			warn(fmt.Sprintf("--ssh %s is not used: steps ask for %s only", c.ID, sshforward.DefaultID))
		}
	}
	provider, err := sshprovider.NewSSHAgentProvider(configs)
	if err != nil {
		return nil, fmt.Errorf("invalid --ssh %s: %w; start an agent (SSH_AUTH_SOCK), or name a socket or key: default=FILE", strings.Join(o.ssh, " "), err)
	}
	return provider, nil
}

// pairs reads key=value. Of a key alone, missing tells the value, as buildx has it: that of a build argument is the environment's, that of a
// label is empty, so that no label publishes a variable by accident.
func pairs(flag string, list []string, missing func(key string) (string, bool)) (map[string]string, error) {
	m := map[string]string{}
	for _, text := range list {
		key, value, ok := strings.Cut(text, "=")
		if key == "" {
			return nil, fmt.Errorf("invalid %s: it is key=value, and no key is given", flag)
		}
		if !ok {
			value, ok = missing(key)
		}
		if ok {
			m[key] = value
		}
	}
	return m, nil
}

// empty is the value of a key that has none.
func empty(string) (string, bool) { return "", true }

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
func proxies(args map[string]string) *bkllb.ProxyEnv {
	p := bkllb.ProxyEnv{
		HTTPProxy: take(args, "HTTP_PROXY"), HTTPSProxy: take(args, "HTTPS_PROXY"), FTPProxy: take(args, "FTP_PROXY"),
		NoProxy: take(args, "NO_PROXY"), AllProxy: take(args, "ALL_PROXY"),
	}
	if p == (bkllb.ProxyEnv{}) {
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
