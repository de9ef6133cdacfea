package migrate

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// statement is a simple command of a shell script.
type statement struct {
	text    string   // in one line, for comments
	words   []string // with the values of variables
	set     []string // variables for this command, as NAME=VALUE
	dir     string   // that it runs in
	pattern bool     // the shell looks for files that its words match
	reason  string   // why it has no words: it needs a shell
}

// statements returns the commands of a script that run one after the other. The script begins in dir.
func statements(script, dir string, vars variables) []statement {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	if err != nil {
		return []statement{{text: oneLine(script), reason: "it is not a valid shell script"}}
	}
	s := &shellScript{text: script, dir: dir, vars: vars}
	for _, stmt := range file.Stmts {
		s.add(stmt)
	}
	return s.all
}

// shellScript is a script while its commands are listed.
type shellScript struct {
	text string
	dir  string // that the next command runs in
	vars variables
	all  []statement
}

func (s *shellScript) add(stmt *syntax.Stmt) {
	_, simple := stmt.Cmd.(*syntax.CallExpr)
	switch {
	case stmt.Background, stmt.Coprocess:
		s.refuse(stmt, "it runs in the background")
	case stmt.Negated:
		s.refuse(stmt, "it must fail")
	case !simple && !goNowhere(stmt.Redirs):
		s.refuse(stmt, "it writes to a file, or reads one")
	default:
		s.command(stmt)
	}
}

// command adds a command that the script waits for.
func (s *shellScript) command(stmt *syntax.Stmt) {
	switch c := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		s.call(stmt, c)
	case *syntax.BinaryCmd:
		switch {
		case c.Op == syntax.AndStmt:
			s.add(c.X)
			s.add(c.Y)
		case c.Op == syntax.OrStmt && doesNothing(c.Y):
			s.add(c.X)
		case c.Op == syntax.OrStmt:
			s.refuse(stmt, "it has a second command for the case that the first fails")
		default:
			s.refuse(stmt, "it is a pipeline")
		}
	case *syntax.Block:
		for _, inner := range c.Stmts {
			s.add(inner)
		}
	case *syntax.Subshell:
		dir := s.dir
		for _, inner := range c.Stmts {
			s.add(inner)
		}
		s.dir = dir
	case *syntax.IfClause, *syntax.CaseClause:
		s.refuse(stmt, "it has a condition")
	default:
		s.refuse(stmt, "it needs a shell")
	}
}

// doesNothing reports whether a command is "true" or ":".
func doesNothing(stmt *syntax.Stmt) bool {
	call, ok := stmt.Cmd.(*syntax.CallExpr)
	return ok && len(call.Args) == 1 && slices.Contains([]string{"true", ":"}, call.Args[0].Lit())
}

// goNowhere reports whether redirections only drop output, or join it.
func goNowhere(redirects []*syntax.Redirect) bool {
	return !slices.ContainsFunc(redirects, func(r *syntax.Redirect) bool {
		to := r.Word.Lit()
		return to != "/dev/null" && (r.Op != syntax.DplOut || to != "1" && to != "2")
	})
}

func (s *shellScript) refuse(stmt *syntax.Stmt, reason string) {
	s.all = append(s.all, statement{text: s.of(stmt), reason: reason})
}

// of returns the text of a command in one line.
func (s *shellScript) of(stmt *syntax.Stmt) string {
	return oneLine(strings.TrimRight(s.text[stmt.Pos().Offset():stmt.End().Offset()], "; \n"))
}

// call adds a simple command. Output that goes nowhere does not matter.
func (s *shellScript) call(stmt *syntax.Stmt, c *syntax.CallExpr) {
	if !goNowhere(stmt.Redirs) {
		s.refuse(stmt, "it writes to a file, or reads one")
		return
	}
	config := &expand.Config{Env: expand.FuncEnviron(func(name string) string { return s.vars[name] }), NoUnset: true}
	words, err := expand.Fields(config, c.Args...)
	if err != nil || len(words) == 0 {
		s.refuse(stmt, "it needs a shell")
		return
	}
	if words[0] == "cd" && len(words) == 2 {
		s.dir = absolute(s.dir, words[1])
		return
	}
	var set []string
	for _, assign := range c.Assigns {
		value, err := expand.Literal(config, assign.Value)
		if err != nil || assign.Append || assign.Array != nil || assign.Index != nil {
			s.refuse(stmt, "it needs a shell")
			return
		}
		set = append(set, assign.Name.Value+"="+value)
	}
	s.all = append(s.all, statement{text: s.of(stmt), words: words, set: set, dir: s.dir, pattern: slices.ContainsFunc(c.Args, isPattern)})
}

// isPattern reports whether the shell looks for files that a word matches.
func isPattern(word *syntax.Word) bool {
	return slices.ContainsFunc(word.Parts, func(part syntax.WordPart) bool {
		lit, ok := part.(*syntax.Lit)
		return ok && strings.ContainsAny(lit.Value, "*?[~{")
	})
}

// absolute returns a path that may be relative to a directory.
func absolute(dir, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(dir, name)
}

// shellLine returns the line that a shell runs as this command, unless there is none.
func (s statement) shellLine() (string, bool) {
	var parts []string
	for i, word := range slices.Concat(s.set, s.words) {
		name := ""
		if i < len(s.set) {
			name, word, _ = strings.Cut(word, "=")
			name += "="
		}
		quoted, err := syntax.Quote(word, syntax.LangPOSIX)
		if err != nil {
			return "", false
		}
		parts = append(parts, name+quoted)
	}
	return strings.Join(parts, " "), true
}

// run adds the commands of a RUN instruction.
func (r *reader) run(c *instructions.RunCommand) {
	r.mounts(c)
	script := strings.Join(c.CmdLine, " ")
	list := []statement{{text: oneLine(script), words: c.CmdLine, dir: r.workdir}}
	if c.PrependShell {
		if len(c.Files) > 0 && strings.HasPrefix(strings.TrimSpace(script), "<<") {
			script = c.Files[0].Data
		}
		list = statements(script, r.workdir, r.vars)
	}
	for _, s := range list {
		if s.reason == "" && len(s.words) == 0 {
			continue // RUN []
		}
		if s.reason != "" {
			r.left = append(r.left, left{r.line, s.text, s.reason + ": as the user, after the source is in place, extra runs such a command"})
			continue
		}
		r.now = s
		if reason := r.statement(s); reason != "" {
			r.leave(r.line, s.text, "%s", reason)
		} else {
			r.done = append(r.done, r.line)
		}
	}
}

// readFiles are the files with logins that a build can give to its steps.
var readFiles = []string{"npmrc", "yarnrc", "netrc", "pip.conf", "apt-auth"}

// byFile says how steps get a login.
const byFile = "steps get logins only in files: npmrc, yarnrc, netrc, pip.conf or apt-auth, as by solve --secret id=npmrc,src=FILE"

// mounts notes the secrets that a RUN instruction sees. Caches and files of the context need no line.
func (r *reader) mounts(c *instructions.RunCommand) {
	if err := c.Expand(func(word string) (string, error) { return word, nil }); err != nil {
		r.leave(r.line, "--mount", "%s", oneLine(err.Error()))
	}
	for _, mount := range instructions.GetMounts(c) {
		text := "--mount=type=" + string(mount.Type)
		switch mount.Type {
		case instructions.MountTypeSecret:
			id := cmp.Or(mount.CacheID, path.Base(mount.Target))
			reason := byFile
			for _, name := range []string{strings.TrimPrefix(path.Base(mount.Target), "."), id} {
				if slices.Contains(readFiles, name) {
					reason = "no field names secrets: give --secret id=" + name + ",src=FILE to solve"
					break
				}
			}
			r.leave(r.line, oneLine(text+",id="+id), "%s", reason)
		case instructions.MountTypeSSH:
			r.leave(r.line, text, "steps have no SSH agent: install from an address with https")
		}
	}
}

// elsewhere returns the directory of the project that the command runs in, or "" if that is the project's own.
func (r *reader) elsewhere() string {
	root := cmp.Or(r.directory(), r.workdir)
	if r.code == "" {
		for _, m := range r.moves {
			if m.to == r.now.dir && m.dir {
				return r.relative(m.local)
			}
		}
	}
	if r.now.dir == root {
		return ""
	}
	if below, ok := strings.CutPrefix(r.now.dir, strings.TrimSuffix(root, "/")+"/"); ok {
		return r.relative(below)
	}
	return r.now.dir
}

// relative returns a directory of the context, or "" if that is the project's own.
func (r *reader) relative(dir string) string {
	if dir == r.own {
		return ""
	}
	return dir
}

// command returns the words of CMD or ENTRYPOINT. A line that needs a shell gets one.
func (r *reader) command(line instructions.ShellDependantCmdLine) []string {
	if !line.PrependShell {
		return append([]string{}, line.CmdLine...)
	}
	script := strings.Join(line.CmdLine, " ")
	if script == "" {
		return []string{}
	}
	list := statements(script, "/", variables{})
	if strings.ContainsAny(script, "$`") || len(list) != 1 || list[0].reason != "" || list[0].pattern || list[0].dir != "/" {
		return []string{"sh", "-c", script}
	}
	words := list[0].words
	if words[0] == "exec" && len(words) > 1 {
		words = words[1:]
	}
	if set := list[0].set; set != nil {
		return slices.Concat([]string{"env"}, set, words)
	}
	return words
}
