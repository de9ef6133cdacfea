package migrate

import (
	"bytes"
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"go.yaml.in/yaml/v3"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// stage is a stage of a Dockerfile, and what its instructions have set so far.
type stage struct {
	instructions.Stage
	final   bool // the image is made of it; else the image has files of it
	vars    variables
	users   map[string]account
	gids    map[string]string // of groups
	workdir string
	code    string   // the directory that holds the project; empty: not known yet
	number  int      // in the Dockerfile
	placed  []placed // parts of the project in their places
	moves   []move   // parts that are elsewhere
	user    string   // as USER says
}

// variables are the values of ENV and ARG. A build argument without a default is none of them.
type variables map[string]string

// Get implements [shell.EnvGetter].
func (v variables) Get(name string) (string, bool) {
	value, known := v[name]
	return value, known
}

// Keys implements [shell.EnvGetter].
func (v variables) Keys() []string { return slices.Sorted(maps.Keys(v)) }

// reader reads a Dockerfile into a draft.
type reader struct {
	*draft
	*stage
	lex    *shell.Lex
	stages []*stage
	line   int       // of the instruction
	now    statement // the command of a RUN
	cmdSet bool      // the stage has a CMD

	values
}

// read adds what a Dockerfile says to the draft.
func (d *draft) read(text projectfile.Text) error {
	d.source = oneLine(path.Base(text.Name))
	result, err := parser.Parse(bytes.NewReader(text.Data))
	if err != nil {
		return syntaxError(text, err)
	}
	stages, args, err := instructions.Parse(result.AST, nil)
	if err != nil {
		return syntaxError(text, err)
	}
	if len(stages) == 0 {
		return text.At(0, 0, "name a Dockerfile by --from", "it has no FROM")
	}
	r := &reader{draft: d, lex: shell.NewLex(result.EscapeToken)}
	r.lex.SkipUnsetEnv = true
	r.values.init()
	global := variables{}
	for _, arg := range args {
		r.arguments(global, arg.Args)
	}
	if err := r.resolve(stages, global); err != nil {
		return text.At(0, 0, "", "%s", oneLine(err.Error()))
	}
	for _, s := range r.stages {
		r.readStage(s, global)
	}
	r.finish()
	return nil
}

// syntaxError returns an error at the place where BuildKit's parser stopped.
func syntaxError(text projectfile.Text, err error) error {
	line := 0
	var located *parser.LocationError
	if errors.As(err, &located) && len(located.Locations) > 0 && len(located.Locations[0]) > 0 {
		line = located.Locations[0][0].Start.Line
	}
	return text.At(line, 0, "", "not a valid Dockerfile: %s", oneLine(err.Error()))
}

// resolve finds the stages that the last one is made of, and those whose files it takes. The others are left out.
func (r *reader) resolve(all []instructions.Stage, global variables) error {
	for i, s := range all {
		base, _, err := r.lex.ProcessWord(s.BaseName, global)
		if err != nil {
			return err
		}
		all[i].BaseName = base
	}
	used, final := map[int]bool{}, map[int]bool{}
	var use func(i int, isFinal bool)
	use = func(i int, isFinal bool) {
		if used[i] && (final[i] || !isFinal) {
			return
		}
		used[i], final[i] = true, final[i] || isFinal
		if parent, ok := instructions.HasStage(all[:i], all[i].BaseName); ok {
			use(parent, isFinal)
		}
		for _, c := range all[i].Commands {
			if from, ok := stageOf(all[:i], c); ok {
				use(from, false)
			}
		}
	}
	use(len(all)-1, true)
	for i, s := range all {
		if !used[i] {
			r.leave(s.Location[0].Start.Line, oneLine(s.SourceCode), "the last stage takes nothing from this one")
			continue
		}
		r.stages = append(r.stages, &stage{Stage: s, number: i, final: final[i]})
	}
	return nil
}

// stageOf returns the stage that a COPY takes files from.
func stageOf(stages []instructions.Stage, c instructions.Command) (int, bool) {
	command, ok := c.(*instructions.CopyCommand)
	if !ok || command.From == "" {
		return 0, false
	}
	if i, err := strconv.Atoi(command.From); err == nil {
		return i, 0 <= i && i < len(stages)
	}
	return instructions.HasStage(stages, command.From)
}

// readStage reads the instructions of a stage. It begins with what its parent has set.
func (r *reader) readStage(s *stage, global variables) {
	s.vars, s.users, s.gids, s.workdir = variables{}, map[string]account{}, map[string]string{}, "/"
	r.stage, r.line, r.cmdSet = s, s.Location[0].Start.Line, false
	parent := slices.IndexFunc(r.stages, func(p *stage) bool { return p != s && p.Name != "" && strings.EqualFold(p.Name, s.BaseName) })
	if parent >= 0 && r.stages[parent].vars != nil {
		p := r.stages[parent]
		s.vars, s.users, s.workdir, s.user = maps.Clone(p.vars), maps.Clone(p.users), p.workdir, p.user
		s.gids, s.placed, s.code, s.moves = maps.Clone(p.gids), slices.Clone(p.placed), p.code, slices.Clone(p.moves)
	} else if s.final {
		r.from(s.BaseName)
	}
	for _, c := range s.Commands {
		r.line = c.Location()[0].Start.Line
		r.instruction(c, global)
	}
}

// distrolessForm matches the images of distroless that begin with an interpreter. It is their entrypoint.
var distrolessForm = regexp.MustCompile(`distroless/(nodejs|python)-?([0-9]*)`)

// from sets the base image, and the interpreter that it is made for.
func (r *reader) from(image string) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil || image == "scratch" {
		r.leave(r.line, "FROM "+image, "the base must be an image with a shell; choose one")
		return
	}
	if distroless := distrolessForm.FindStringSubmatch(image); distroless != nil {
		r.leave(r.line, "FROM "+image, "the base must be an image with a shell; choose one")
		if r.interpreter = "python"; distroless[1] == "nodejs" {
			r.interpreter = "node"
			if distroless[2] != "" {
				r.set("runtime", map[string]*yaml.Node{"node": {Kind: yaml.ScalarNode, Value: distroless[2]}}, r.why("FROM"))
			}
		}
		return
	}
	r.set("base", image, r.why("FROM"))
	tagged, ok := named.(reference.Tagged)
	if name := reference.FamiliarName(named); ok && name == "node" {
		version, _, _ := strings.Cut(tagged.Tag(), "-")
		if _, err := strconv.Atoi(version[:1]); err == nil {
			r.set("runtime", map[string]*yaml.Node{name: {Kind: yaml.ScalarNode, Value: version}}, r.why("FROM"))
		}
	}
}

// why returns the reason for a line of the file: an instruction, and where it stands.
func (r *reader) why(instruction string) string {
	return instruction + ", line " + strconv.Itoa(r.line) + " of " + r.source
}

// arguments sets the build arguments that have a default.
func (r *reader) arguments(into variables, args []instructions.KeyValuePairOptional) {
	for _, arg := range args {
		if arg.Value == nil {
			continue
		}
		if value, _, err := r.lex.ProcessWord(*arg.Value, into); err == nil {
			into[arg.Key] = value
		}
	}
}

// oneLine writes a text in one line, for a comment.
func oneLine(text string) string {
	const longest = 160
	text = printable(strings.Join(strings.Fields(text), " "))
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "..."
	}
	return text
}

// printable removes what a comment of YAML may not hold.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}
