package options

import (
	"strings"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Printing is the format of a command's result.
type Printing struct{ Format string }

// Group returns the rows of the table.
func (p *Printing) Group() Group {
	formats := []string{"text", "json"}
	return Group{
		Name: "format", Title: "What is printed", Commands: []string{"plan", "solve", "prepare", "diff", "doctor"},
		Options: []Option{
			{Name: "format", Value: "FORMAT", Default: "text", Choices: formats, into: oneOf(&p.Format, formats...),
				Help: "Output format: text or json",
				Also: map[string]string{"prepare": "Output format: text prints the folder's path, json prints the tags"}},
		},
	}
}

// JSON reports whether to print the result as JSON.
func (p *Printing) JSON() bool { return p.Format == "json" }

// Plan holds the options of plan.
type Plan struct {
	Check bool
	Args  []KeyValue // as those of Build
}

// Group returns the rows of the table.
func (p *Plan) Group() Group {
	return Group{
		Name: "plan", Title: "plan", Commands: []string{"plan"},
		Options: []Option{
			{Name: "check", into: boolean(&p.Check),
				Help: "Run static checks only: secrets in the source, unpinned versions, outdated lock files"},
			{Name: "build-arg", Value: "NAME=VALUE", into: parsed(&p.Args, parseKeyValue),
				Help: "BUILDKIT_DOCKERFILE_CHECK=skip=RULE,RULE skips rules, as the line # check= of the runtime file does; others have no effect on the plan"},
		},
	}
}

// Solve holds the options of solve.
type Solve struct{ DryRun bool }

// Group returns the rows of the table.
func (s *Solve) Group() Group {
	return Group{
		Name: "solve", Title: "solve", Commands: []string{"solve"},
		Options: []Option{
			{Name: "dry-run", into: boolean(&s.DryRun), Help: "Print the plan and build nothing"},
		},
	}
}

// Tags holds the options of tags.
type Tags struct{ Format, BakeTarget string }

// Group returns the rows of the table.
func (t *Tags) Group() Group {
	formats := []string{"text", "json", "bake"}
	return Group{
		Name: "tags", Title: "tags", Commands: []string{"tags"},
		Options: []Option{
			{Name: "format", Value: "FORMAT", Default: "text", Choices: formats, into: oneOf(&t.Format, formats...),
				Help: "Output format: text, json or bake"},
			{Name: "bake-target", Value: "PATTERN", into: text(&t.BakeTarget),
				Help: "Pattern for the target names of --format bake, with {project}, {base} and {role}"},
		},
	}
}

// JSON reports whether to print the result as JSON.
func (t *Tags) JSON() bool { return t.Format == "json" }

// Prepare holds the options of prepare.
type Prepare struct {
	Folder, Syntax string
	NoBrowser      *bool // points to that of the Runtime, so the last option that sets it counts; nil: not shared
}

// Group returns the rows of the table.
func (p *Prepare) Group() Group {
	noBrowser := p.NoBrowser
	if noBrowser == nil {
		noBrowser = new(bool)
	}
	return Group{
		Name: "prepare", Title: "prepare", Commands: []string{"prepare"},
		Options: []Option{
			{Name: "build-folder", Value: "DIR", Completes: Directories, into: text(&p.Folder),
				Help: "Folder to write; created if it does not exist"},
			{Name: "syntax", Value: "IMAGE", into: optional(checked(&p.Syntax, checkImage)),
				Unset: "that of the runtime file, else ghcr.io/rtbuild/rtbuild-frontend:1", Help: "Frontend image for the first line"},
			{Name: "no-enable-browser", into: boolean(noBrowser), Help: "The same as --no-browser"},
			{Name: "enable-browser", into: inverse(noBrowser), Help: "The opposite of --no-browser, and the default"},
		},
	}
}

// Init holds the options of init.
type Init struct {
	File, From, BaseImage, Profile string
	Force                          bool
}

// Group returns the rows of the table.
func (i *Init) Group() Group {
	return Group{
		Name: "init", Title: "init", Commands: []string{"init"},
		Options: []Option{
			{Name: "from", Value: "DOCKERFILE", Completes: AnyFile, into: text(&i.From),
				Help: "Dockerfile to take over: relative to the working directory, else to the context"},
			{Name: "file", Short: "f", Value: "FILE", Completes: AnyFile, into: text(&i.File),
				Unset: "runtime.yaml in the context", Help: "File to write; - prints it"},
			{Name: "force", into: boolean(&i.Force), Help: "Replace the file if it exists"},
			{Name: BaseImage, Value: "IMAGE", into: optional(checked(&i.BaseImage, checkImage)),
				Unset: "that of the Dockerfile, else debian:bookworm", Help: "Base image"},
			{Name: Profile, Value: "NAME", Choices: Profiles, into: optional(oneOf(&i.Profile, Profiles...)),
				Unset: "detected from the lock files", Help: "Profile: node, python or openhands"},
		},
	}
}

// Graph holds the options of graph.
type Graph struct {
	Addresses bool
	Format    string
}

// Group returns the rows of the table.
func (g *Graph) Group() Group {
	formats := []string{"text", "json", "dot", "mermaid", "svg"}
	return Group{
		Name: "graph", Title: "graph", Commands: []string{"graph"},
		Options: []Option{
			{Name: "addresses", into: boolean(&g.Addresses), Help: "List the addresses that a build would contact"},
			{Name: "format", Value: "FORMAT", Default: "text", Choices: formats, into: oneOf(&g.Format, formats...),
				Help: "Output format: text, json, dot, mermaid or svg; text or json with --addresses"},
		},
	}
}

// Diff holds the options of diff.
type Diff struct {
	Platform   *ocispecs.Platform // nil: this machine's
	ExitCode   bool
	Verbose    bool
	SkipShared bool
}

// Group returns the rows of the table.
func (d *Diff) Group() Group {
	return Group{
		Name: "diff", Title: "diff", Commands: []string{"diff"},
		Options: []Option{
			{Name: "platform", Value: "OS/ARCH", Choices: commonPlatforms, into: optional(value{kindText, d.setPlatform}),
				Unset: "this machine's", Help: "Platform of the images"},
			{Name: "exit-code", into: boolean(&d.ExitCode),
				Help: "Exit with 1 if files or config differ"},
			{Name: "verbose", into: boolean(&d.Verbose),
				Help: "Also list what is in a directory that only one image has, and the config's fields about the build, such as created and history"},
			{Name: "skip-shared", into: boolean(&d.SkipShared),
				Help: "Do not read layers that both images share: faster, but some changes lack the old value"},
		},
	}
}

// setPlatform parses a single platform.
func (d *Diff) setPlatform(text string) error {
	if strings.Contains(text, ",") {
		return wrong(text, "must be one platform")
	}
	p, err := parsePlatform(text)
	d.Platform = &p
	return err
}

// Serve holds the options of serve.
type Serve struct{ UntilIdle bool }

// Group returns the rows of the table.
func (s *Serve) Group() Group {
	return Group{
		Name: "serve", Title: "serve", Commands: []string{"serve"},
		Options: []Option{
			{Name: "until-idle", Hidden: true, into: boolean(&s.UntilIdle), Help: "Stop when the last client has gone"},
		},
	}
}
