package migrate

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/rtbuild/rtbuild/internal/lint"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// instruction adds an instruction of a stage to the draft.
func (r *reader) instruction(c instructions.Command, global variables) {
	if arg, ok := c.(*instructions.ArgCommand); ok {
		r.arg(arg, global)
		return
	}
	if run, ok := c.(*instructions.RunCommand); ok {
		r.run(run)
		return
	}
	text := oneLine(c.Name())
	if named, ok := c.(interface{ String() string }); ok {
		text = oneLine(named.String())
	}
	if err := r.expand(c); err != nil {
		_, isUser := c.(*instructions.UserCommand)
		r.userLeft = r.userLeft || isUser && r.final
		r.leave(r.line, text, "%s", oneLine(err.Error()))
		return
	}
	if reason := r.plain(c); reason != "" {
		r.leave(r.line, text, "%s", reason)
	}
}

// errNoDefault is the error for a value that only a build argument gives.
var errNoDefault = errors.New("its value is a variable without a default: write the value")

// expand replaces the variables in an instruction.
func (r *reader) expand(c instructions.Command) error {
	word := func(word string) (string, error) {
		text, unset, err := r.lex.ProcessWord(word, r.vars)
		delete(unset, "PATH")
		if err == nil && len(unset) > 0 {
			err = errNoDefault
		}
		return text, err
	}
	if expose, ok := c.(*instructions.ExposeCommand); ok {
		for i, port := range expose.Ports {
			text, err := word(port)
			if err != nil {
				return err
			}
			expose.Ports[i] = text
		}
	}
	if c, ok := c.(instructions.SupportsSingleWordExpansion); ok {
		return c.Expand(word)
	}
	return nil
}

// plain adds an instruction whose variables are replaced. It returns why it cannot.
func (r *reader) plain(c instructions.Command) string {
	switch c := c.(type) {
	case *instructions.CopyCommand:
		if c.From != "" {
			return r.copiedFrom(c.From, c.SourcesAndDest)
		}
		return r.copied(c.SourcesAndDest)
	case *instructions.AddCommand:
		return r.copied(c.SourcesAndDest)
	case *instructions.WorkdirCommand:
		r.done = append(r.done, r.line)
		if r.workdir = path.Join(r.workdir, c.Path); path.IsAbs(c.Path) {
			r.workdir = path.Clean(c.Path)
		}
		return ""
	case *instructions.EnvCommand:
		return r.environment(c)
	case *instructions.UserCommand:
		r.user, r.userLine, r.userLeft = c.User, r.line, false
		return ""
	}
	if !r.final {
		return "" // the image of the last stage has none of it
	}
	return r.config(c)
}

// config adds an instruction about the configuration of the image.
func (r *reader) config(c instructions.Command) string {
	switch c := c.(type) {
	case *instructions.CmdCommand:
		r.cmd, r.cmdLine, r.cmdSet = r.command(c.ShellDependantCmdLine), r.line, true
	case *instructions.EntrypointCommand:
		r.entrypoint, r.entrypointLine = r.command(c.ShellDependantCmdLine), r.line
		if !r.cmdSet { // as in Docker, which keeps only the stage's own
			r.cmd = nil
		}
	case *instructions.ExposeCommand:
		r.ports(c.Ports)
	case *instructions.HealthCheckCommand:
		r.health, r.healthLine = c.Health, r.line
	case *instructions.StopSignalCommand:
		r.set("stopSignal", c.Signal, r.why("STOPSIGNAL"))
	case *instructions.VolumeCommand:
		r.volumes = append(r.volumes, c.Volumes...)
		r.volumeLines = append(r.volumeLines, r.line)
	case *instructions.LabelCommand:
		return "labels are in no file: give --label KEY=VALUE to solve"
	case *instructions.MaintainerCommand:
		return "give --label org.opencontainers.image.authors=NAME to solve"
	case *instructions.OnbuildCommand:
		return "the OCI image configuration has no ONBUILD"
	case *instructions.ShellCommand:
		return "commands run in /bin/sh: write [bash, -c, COMMAND] where they need another shell"
	default:
		return "rtbuild has no equivalent"
	}
	return ""
}

// arg sets a build argument. Without a default here, it has that of the ARG before the first FROM.
func (r *reader) arg(c *instructions.ArgCommand, global variables) {
	for _, a := range c.Args {
		if lint.LooksSecret(a.Key, "a value that is long enough") || a.Value != nil && lint.LooksSecret(a.Key, *a.Value) {
			r.leave(r.line, "ARG "+oneLine(a.Key), "a build records arguments: "+byFile)
			continue
		}
		value, known := global[a.Key]
		switch _, set := r.vars[a.Key]; {
		case a.Value != nil:
			r.arguments(r.vars, []instructions.KeyValuePairOptional{a})
		case known && !set:
			r.vars[a.Key] = value
		case !known && !set && !slices.Contains(predefined, strings.ToUpper(a.Key)):
			r.args, r.argLines = append(r.args, a.Key), append(r.argLines, r.line)
		}
	}
	r.done = append(r.done, r.line) // where its value is used, that instruction says more
}

// ports adds ports, and ranges of ports.
func (r *reader) ports(ports []string) {
	for _, port := range ports {
		numbers, protocol, _ := strings.Cut(port, "/")
		first, last, isRange := strings.Cut(numbers, "-")
		from, err := strconv.Atoi(first)
		to := from
		if isRange && err == nil {
			to, err = strconv.Atoi(last)
		}
		if err != nil || to-from > 100 {
			r.leave(r.line, "EXPOSE "+oneLine(port), "it is no port")
			continue
		}
		for ; from <= to; from++ {
			text := strconv.Itoa(from)
			if protocol != "" && protocol != "tcp" {
				text += "/" + protocol
			}
			r.expose = append(r.expose, text)
		}
	}
	if r.expose != nil {
		r.set("expose", numbersOf(r.expose), r.why("EXPOSE"))
	}
}

// numbersOf returns ports as YAML writes them best.
func numbersOf(ports []string) []any {
	var all []any
	for _, port := range ports {
		if n, err := strconv.Atoi(port); err == nil {
			all = append(all, n)
			continue
		}
		all = append(all, port)
	}
	return all
}

// inProject reports whether the project has a file.
func (d *draft) inProject(name string) bool { return projectfile.Exists(d.fsys, name) }
