package options

import (
	"strings"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Printing is how a command prints its result.
type Printing struct{ Format string }

// Group gives the rows.
func (p *Printing) Group() Group {
	formats := []string{"text", "json"}
	return Group{
		Name: "format", Title: "What is printed", Commands: []string{"plan", "solve", "prepare", "graph", "diff", "doctor"},
		Options: []Option{
			{Name: "format", Value: "FORMAT", Default: "text", Choices: formats, into: oneOf(&p.Format, formats...),
				Help: "Output format: text or json",
				Also: map[string]string{"prepare": "Output format: text prints the folder's path, json the tags"}},
		},
	}
}

// JSON reports whether the result is printed as JSON.
func (p *Printing) JSON() bool { return p.Format == "json" }

// Plan are the options of plan alone.
type Plan struct{ Check bool }

// Group gives the rows.
func (p *Plan) Group() Group {
	return Group{
		Name: "plan", Title: "plan", Commands: []string{"plan"},
		Options: []Option{
			{Name: "check", into: boolean(&p.Check),
				Help: "Run static checks only: secrets in the source, what is not pinned, lock files out of step"},
		},
	}
}

// Solve are the options of solve alone.
type Solve struct{ DryRun bool }

// Group gives the rows.
func (s *Solve) Group() Group {
	return Group{
		Name: "solve", Title: "solve", Commands: []string{"solve"},
		Options: []Option{
			{Name: "dry-run", into: boolean(&s.DryRun), Help: "Print the plan, and build nothing"},
		},
	}
}

// Tags are the options of tags alone.
type Tags struct{ Format, BakeTarget string }

// Group gives the rows.
func (t *Tags) Group() Group {
	formats := []string{"text", "json", "bake"}
	return Group{
		Name: "tags", Title: "tags", Commands: []string{"tags"},
		Options: []Option{
			{Name: "format", Value: "FORMAT", Default: "text", Choices: formats, into: oneOf(&t.Format, formats...),
				Help: "Output format: text, json or bake"},
			{Name: "bake-target", Value: "PATTERN", into: text(&t.BakeTarget),
				Help: "Names of the targets of --format bake; {project}, {base} and {role} are filled in"},
		},
	}
}

// JSON reports whether the result is printed as JSON.
func (t *Tags) JSON() bool { return t.Format == "json" }

// Prepare are the options of prepare alone.
type Prepare struct {
	Folder, Syntax string
	NoBrowser      *bool // that of the Runtime: of all options that write it, the last one given counts; nil leaves it out
}

// Group gives the rows.
func (p *Prepare) Group() Group {
	noBrowser := p.NoBrowser
	if noBrowser == nil {
		noBrowser = new(bool)
	}
	return Group{
		Name: "prepare", Title: "prepare", Commands: []string{"prepare"},
		Options: []Option{
			{Name: "build-folder", Value: "DIR", Completes: Directories, into: text(&p.Folder),
				Help: "Folder to write; it is made if it does not exist"},
			{Name: "syntax", Value: "IMAGE", into: text(&p.Syntax),
				Unset: "that of the runtime file, else ghcr.io/rtbuild/rtbuild-frontend:1", Help: "Frontend image for the first line"},
			{Name: "no-enable-browser", into: boolean(noBrowser), Help: "The same as --no-browser"},
			{Name: "enable-browser", into: inverse(noBrowser), Help: "The opposite of --no-browser, and the default"},
		},
	}
}

// Graph are the options of graph alone.
type Graph struct{ Addresses bool }

// Group gives the rows.
func (g *Graph) Group() Group {
	return Group{
		Name: "graph", Title: "graph", Commands: []string{"graph"},
		Options: []Option{
			{Name: "addresses", into: boolean(&g.Addresses), Help: "List the addresses that a build would contact"},
		},
	}
}

// Diff are the options of diff alone.
type Diff struct {
	Platform   *ocispecs.Platform // nil for this machine's
	ExitCode   bool
	Verbose    bool
	SkipShared bool
}

// Group gives the rows.
func (d *Diff) Group() Group {
	return Group{
		Name: "diff", Title: "diff", Commands: []string{"diff"},
		Options: []Option{
			{Name: "platform", Value: "OS/ARCH", Choices: commonPlatforms, into: optional(value{kindText, d.setPlatform}),
				Unset: "this machine's", Help: "Platform of the images"},
			{Name: "exit-code", into: boolean(&d.ExitCode),
				Help: "Exit with 1 if files or config differ"},
			{Name: "verbose", into: boolean(&d.Verbose),
				Help: "Also list what is in directories that only one image has, and when and how the images were made"},
			{Name: "skip-shared", into: boolean(&d.SkipShared),
				Help: "Do not read layers that both images begin with: faster, but some changes lack what was there before"},
		},
	}
}

// setPlatform takes a single platform.
func (d *Diff) setPlatform(text string) error {
	if strings.Contains(text, ",") {
		return wrong(text, "must be one platform")
	}
	p, err := parsePlatform(text)
	d.Platform = &p
	return err
}

// Serve are the options of serve.
type Serve struct{ UntilIdle bool }

// Group gives the rows.
func (s *Serve) Group() Group {
	return Group{
		Name: "serve", Title: "serve", Commands: []string{"serve"},
		Options: []Option{
			{Name: "until-idle", Hidden: true, into: boolean(&s.UntilIdle), Help: "Stop when the last client has gone"},
		},
	}
}
