package migrate

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// statement is a simple command of a shell script.
type statement struct {
	text   string
	words  []string
	set    bool   // variables are set for it
	reason string // why it has no words: it needs a shell
}

// statements returns the commands of a script that run one after the other.
func statements(script string, vars variables) []statement {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	if err != nil {
		return []statement{{text: oneLine(script), reason: "it is not a valid shell script"}}
	}
	s := &shellScript{text: script, vars: vars}
	for _, stmt := range file.Stmts {
		s.add(stmt)
	}
	return s.all
}

// shellScript is a script while its commands are listed.
type shellScript struct {
	text string
	vars variables
	all  []statement
}

func (s *shellScript) add(stmt *syntax.Stmt) {
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
		for _, inner := range c.Stmts {
			s.add(inner)
		}
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

func (s *shellScript) refuse(stmt *syntax.Stmt, reason string) {
	s.all = append(s.all, statement{text: s.of(stmt), reason: reason})
}

// of returns the text of a command in one line.
func (s *shellScript) of(stmt *syntax.Stmt) string {
	return oneLine(strings.TrimRight(s.text[stmt.Pos().Offset():stmt.End().Offset()], "; \n"))
}

// call adds a simple command. Output that goes nowhere does not matter.
func (s *shellScript) call(stmt *syntax.Stmt, c *syntax.CallExpr) {
	for _, redirect := range stmt.Redirs {
		if to := redirect.Word.Lit(); to != "/dev/null" && to != "1" && to != "2" {
			s.refuse(stmt, "it writes to a file, or reads one")
			return
		}
	}
	words, err := expand.Fields(&expand.Config{Env: expand.FuncEnviron(func(name string) string { return s.vars[name] }), NoUnset: true}, c.Args...)
	if err != nil || len(words) == 0 {
		s.refuse(stmt, "it needs a shell")
		return
	}
	s.all = append(s.all, statement{text: s.of(stmt), words: words, set: len(c.Assigns) > 0})
}

// run adds the commands of a RUN instruction.
func (r *reader) run(c *instructions.RunCommand) {
	script := strings.Join(c.CmdLine, " ")
	list := []statement{{text: oneLine(script), words: c.CmdLine}}
	if c.PrependShell {
		if len(c.Files) > 0 && strings.HasPrefix(strings.TrimSpace(script), "<<") {
			script = c.Files[0].Data
		}
		list = statements(script, r.vars)
	}
	elsewhere := ""
	for _, s := range list {
		switch {
		case s.reason == "" && s.words[0] == "cd" && len(s.words) > 1:
			elsewhere = s.words[1]
			if dir := path.Join(r.workdir, elsewhere); dir == r.workdir || elsewhere == r.workdir {
				elsewhere = ""
			}
		case s.reason != "":
			r.left = append(r.left, left{r.line, s.text, s.reason + ": as the user, after the source is in place, extra runs such a command"})
		case elsewhere != "":
			r.leave(r.line, s.text, "it runs in the directory %s; dependencies and build run in that of the project", oneLine(elsewhere))
		default:
			if reason := r.statement(s); reason != "" {
				r.leave(r.line, s.text, "%s", reason)
			} else {
				r.done = append(r.done, r.line)
			}
		}
	}
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
	list := statements(script, variables{})
	if len(list) != 1 || list[0].reason != "" || list[0].set {
		return []string{"sh", "-c", script}
	}
	words := list[0].words
	if words[0] == "exec" && len(words) > 1 {
		words = words[1:]
	}
	return words
}
