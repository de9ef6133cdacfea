package options

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Runtime holds the options that override the runtime file.
type Runtime struct {
	File       string
	Profile    string
	BaseImages []string // only bake takes more than one
	Repository string
	Version    string
	ExtraDeps  string
	Platforms  []ocispecs.Platform // normalized and unique; empty if the user names none
	NoBrowser  bool
}

// Profiles are the profiles that a project can have. A test of package profile compares them with its definitions.
var Profiles = []string{"node", "python", "openhands"}

// Group returns the rows of the table.
func (r *Runtime) Group() Group {
	return Group{
		Name: "runtime", Title: "What the image is made of", Commands: []string{"tags", "plan", "solve", "prepare", "graph"},
		Options: []Option{
			{Name: "file", Short: "f", Value: "FILE", Completes: AnyFile, into: text(&r.File),
				Unset: "runtime.yaml in the context, if it exists", Help: "Runtime file"},
			{Name: Profile, Arg: "PROFILE", Field: "profile", Value: "NAME", Choices: Profiles, into: optional(oneOf(&r.Profile, Profiles...)),
				Unset: "detected from the lock files", Help: "Profile: node, python or openhands"},
			{Name: BaseImage, Arg: "BASE_IMAGE", Field: "base", Value: "IMAGE", into: last(optional(parsed(&r.BaseImages, parseImage))),
				Unset: "that of the runtime file, else of the profile", Help: "Base image",
				Also: map[string]string{"tags": "Base image (repeatable with --format bake; default: that of the runtime file, else of the profile)"}},
			{Name: Repository, Arg: "REPOSITORY", Field: "repository", Value: "HOST/PATH", into: optional(checked(&r.Repository, checkRepository)),
				Unset: "repository in the runtime file", Help: "Repository of the images",
				Also: map[string]string{"doctor": "Also check that this repository can be reached and pushed to"}},
			{Name: "runtime-version", Arg: "RUNTIME_VERSION", Field: "version", Value: "VERSION", into: text(&r.Version),
				Unset: "from package.json or pyproject.toml", Help: "Version in the tags"},
			{Name: "extra-deps", Arg: "EXTRA_DEPS", Field: "extra", Value: "COMMAND", into: text(&r.ExtraDeps),
				Help: "Shell command that runs last, on top of the source"},
			{Name: "platform", Value: "OS/ARCH", Choices: commonPlatforms, into: platformList(&r.Platforms),
				Unset: "this machine's", Help: "Platforms of the image, separated by commas",
				Also: map[string]string{"prepare": "No effect on the folder: choose the platform when you build it"}},
			{Name: "no-browser", Arg: "NO_BROWSER", into: boolean(&r.NoBrowser),
				Help: "Leave the browser out (profile openhands)"},
		},
	}
}

// BaseImage returns the base image, or "" if the user names none.
func (r *Runtime) BaseImage() string {
	if len(r.BaseImages) == 0 {
		return ""
	}
	return r.BaseImages[len(r.BaseImages)-1]
}

// last marks an option that collects values, of which only the last counts.
func last(v value) value {
	v.kind = kindText
	return v
}

// commonPlatforms are the platforms that completion offers.
var commonPlatforms = []string{"linux/amd64", "linux/arm64", "local"}

// platformList parses platforms, separated by commas. It may be set several times, and keeps each platform once.
func platformList(into *[]ocispecs.Platform) value {
	return value{kindList, func(text string) error {
		for part := range strings.SplitSeq(text, ",") {
			p, err := parsePlatform(part)
			if err != nil {
				return err
			}
			*into = addPlatform(*into, p)
		}
		return nil
	}}
}

func addPlatform(all []ocispecs.Platform, p ocispecs.Platform) []ocispecs.Platform {
	for _, has := range all {
		if platforms.Format(has) == platforms.Format(p) {
			return all
		}
	}
	return append(all, p)
}

// parsePlatform reads a platform as buildx does: "local" is this machine's.
func parsePlatform(text string) (ocispecs.Platform, error) {
	if strings.EqualFold(text, "local") {
		return Local(), nil
	}
	p, err := platforms.Parse(text)
	if err != nil {
		return p, wrong(text, "must be OS/ARCH[/VARIANT], or several separated by commas: %w", err)
	}
	return platforms.Normalize(p), nil
}

// Local returns this machine's platform.
func Local() ocispecs.Platform { return platforms.Normalize(platforms.DefaultSpec()) }

// Planning holds the options that decide what a build reuses.
type Planning struct {
	ReuseFrom       []string // repositories without a tag
	PreviousVersion string
	Force           bool
	Pull            bool
	Strict          bool
	NoTest          bool
	Variant         string // one of Variants; empty: the one with the least work
}

// Variants are the variants that a user can choose.
var Variants = []string{"none", "lock", "versioned", "scratch"}

// Group returns the rows of the table.
func (p *Planning) Group() Group {
	return Group{
		Name: "planning", Title: "What a build reuses", Commands: []string{"plan", "solve"},
		Options: []Option{
			{Name: ReuseFrom, Arg: "REUSE_FROM", Value: "HOST/PATH", into: parsed(&p.ReuseFrom, parseRepositories),
				Help: "Further repositories to look for deps images in, separated by commas; nothing is pushed to them"},
			{Name: PreviousVersion, Arg: "PREVIOUS_VERSION", Value: "VERSION", into: text(&p.PreviousVersion),
				Help: "Earlier version whose deps image the build may start from"},
			{Name: ForceRebuild, Arg: "FORCE_REBUILD", into: boolean(&p.Force),
				Help: "Ignore existing images",
				Also: map[string]string{"prepare": "No effect on the folder: give --build-arg FORCE_REBUILD=true when you build it"}},
			{Name: Pull, Arg: "PULL", into: boolean(&p.Pull),
				Help: "Rebuild images that an older base or an older recipe made"},
			{Name: "no-test", Arg: "NO_TEST", into: boolean(&p.NoTest),
				Help: "Skip the tests of the runtime file"},
			{Name: "strict", into: boolean(&p.Strict),
				Help: "Refuse tools without a verified checksum, and a start command that is missing or whose file is"},
			{Name: Variant, Arg: "VARIANT", Value: "NAME", Choices: Variants, into: optional(oneOf(&p.Variant, Variants...)),
				Unset: "the one with the least work", Help: "Where the build starts: none, lock, versioned or scratch"},
		},
	}
}

// parseImage reads the reference of an image.
func parseImage(text string) ([]string, error) { return []string{text}, checkImage(text) }

// checkImage returns an error unless text is the reference of an image, by the grammar of distribution/reference.
func checkImage(text string) error {
	if _, err := reference.ParseNormalizedNamed(text); err != nil {
		return wrong(text, "%w: write it as [REGISTRY[:PORT]/]NAME[:TAG][@DIGEST], the name in lower case", err)
	}
	return nil
}

// parseTag reads a name for an image, as docker build -t does.
func parseTag(text string) ([]string, error) {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return nil, checkImage(text)
	}
	if _, pinned := named.(reference.Digested); pinned {
		return nil, wrong(text, "a digest cannot be chosen: write it as [REGISTRY[:PORT]/]NAME[:TAG]")
	}
	return []string{reference.TagNameOnly(named).String()}, nil
}

// checkRepository returns an error unless text is the name of a repository.
func checkRepository(text string) error {
	named, err := reference.ParseNormalizedNamed(text)
	if err == nil && !reference.IsNameOnly(named) {
		err = errTagged
	}
	if err != nil {
		return wrong(text, "%w: write it as [REGISTRY[:PORT]/]NAME, in lower case, without a tag", err)
	}
	return nil
}

var errTagged = errors.New("it has a tag or a digest")

// parseRepositories reads repositories, separated by commas. It skips empty ones, because bake files join variables that may not be set.
func parseRepositories(text string) ([]string, error) {
	var all []string
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if named, err := reference.ParseNormalizedNamed(part); err != nil || !reference.IsNameOnly(named) {
			return nil, wrong(part, "must be a repository without a tag, HOST/PATH")
		}
		all = append(all, part)
	}
	return all, nil
}

// Environment holds the environment of steps. No tag depends on it.
type Environment struct {
	Epoch *time.Time // nil: not given
	Proxy llb.ProxyEnv
}

// Group returns the rows of the table.
func (e *Environment) Group() Group {
	const help = "Proxy of every step; in no cache key"
	proxy := func(name string, into *string) Option {
		return Option{Name: Name(name), Arg: name, AnyCase: true, Value: "URL", Secret: true, Help: help, into: text(into)}
	}
	return Group{
		Name: "environment", Title: "What steps see",
		Options: []Option{
			{Name: "SOURCE_DATE_EPOCH", Arg: "SOURCE_DATE_EPOCH", AnyCase: true, Value: "SECONDS", into: optional(value{kindText, e.setEpoch}),
				Help: "Time stamp of new files, in seconds since 1970"},
			proxy("HTTP_PROXY", &e.Proxy.HTTPProxy), proxy("HTTPS_PROXY", &e.Proxy.HTTPSProxy), proxy("FTP_PROXY", &e.Proxy.FTPProxy),
			{Name: "NO_PROXY", Arg: "NO_PROXY", AnyCase: true, Value: "HOSTS", into: text(&e.Proxy.NoProxy),
				Help: "Hosts that steps reach without a proxy; in no cache key"},
			proxy("ALL_PROXY", &e.Proxy.AllProxy),
		},
	}
}

// Proxies returns the proxies of steps, or nil if there are none.
func (e *Environment) Proxies() *llb.ProxyEnv {
	if e.Proxy == (llb.ProxyEnv{}) {
		return nil
	}
	return &e.Proxy
}

func (e *Environment) setEpoch(text string) error {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return wrong(text, "must be a number of seconds since 1970")
	}
	t := time.Unix(seconds, 0).UTC()
	e.Epoch = &t
	return nil
}

// Scanning holds the options of SBOMs.
type Scanning struct{ All bool }

// Group returns the rows of the table.
func (s *Scanning) Group() Group {
	return Group{
		Name: "scanning", Title: "What an SBOM covers",
		Options: []Option{{
			Name: "SBOM_SCAN_ALL", Arg: "SBOM_SCAN_ALL", into: boolean(&s.All),
			Help: "Make the SBOM of a source image cover its deps image, too; the builder pulls it for that",
		}},
	}
}
