package llb

import (
	"cmp"
	_ "embed"
	"fmt"
	"path"

	"github.com/moby/buildkit/client/llb"
)

// Test is something that must hold for a finished image: a command that ends as expected, an address at which the image answers, or a file.
// Tests add nothing to the image.
type Test struct {
	Run     []string `json:"run,omitempty"`     // the command; with Address, what to start instead of the image's own
	Exit    int      `json:"exit,omitempty"`    // the expected exit code
	Stdout  string   `json:"stdout,omitempty"`  // a text that standard output must contain
	User    string   `json:"user,omitempty"`    // who runs it; empty: the image's user
	Network bool     `json:"network,omitempty"` // it may use the network
	Timeout int      `json:"timeout,omitempty"` // in seconds; zero: TestTimeout

	Address string `json:"address,omitempty"` // http://... or HOST:PORT; a status from 400 on is no answer

	File     string `json:"file,omitempty"`     // absolute
	Mode     string `json:"mode,omitempty"`     // octal permissions, "0755"; empty: any
	Contains string `json:"contains,omitempty"` // a text that the file must contain
}

// TestTimeout is how long a test may run if it does not say, in seconds.
const TestTimeout = 60

// Title describes the test as one line.
func (t Test) Title() string {
	switch {
	case t.File != "":
		return "file " + t.File
	case t.Address != "":
		return t.Address + " answers"
	}
	return commandTitle(t.Run)
}

// Process is how containers of an image start.
type Process struct {
	Command []string // entrypoint and command
	User    string   // empty: root
	Workdir string
}

// The programs wait until an address answers. There is one for each interpreter, because an image need not have curl.
var (
	//go:embed ask.js
	askNode string

	//go:embed ask.py
	askPython string
)

// RunTest returns a state that can be made only if a test with a command or an address holds. image is the finished image.
func (g *Graph) RunTest(image llb.State, t Test, p Process) llb.State {
	if t.User != "" {
		p.User = t.User
	}
	seconds := cmp.Or(t.Timeout, TestTimeout)
	script := commandTest(t, seconds)
	if t.Address != "" {
		if len(t.Run) == 0 {
			t.Run = p.Command
		}
		script = g.addressTest(t, seconds)
	}
	name := "test: " + t.Title()
	c := command{StageTest, name, "cd " + shellQuote(path.Clean("/"+p.Workdir)) + "\n" + script, g.testUser(p.User)}
	var opts []llb.RunOption
	if !t.Network {
		opts = append(opts, llb.Network(llb.NetModeNone))
	}
	return g.run(image, c, []llb.ConstraintsOpt{named(StageTest, t.Title()), g.location("test")}, opts...).Root()
}

// testUser returns a user by its name or number.
func (g *Graph) testUser(name string) profileUser {
	switch own := g.user(); name {
	case "", "root", "0":
		return asRoot()
	case own.name:
		return own
	}
	return profileUser{name, "/"}
}

// commandTest runs the command and looks at its exit code and its output. Whatever the command leaves running ends with the step.
func commandTest(t Test, seconds int) string {
	script := fmt.Sprintf(`%[1]s </dev/null >/tmp/stdout &
pid=$!
(sleep %[2]d; : >/tmp/late; kill -9 $pid) >/dev/null 2>&1 &
code=0
wait $pid || code=$?
cat /tmp/stdout
if [ -e /tmp/late ]; then echo "It still runs after %[2]d s." >&2; exit 1; fi
if [ $code != %[3]d ]; then echo "Its exit code is $code, not %[3]d." >&2; exit 1; fi
`, shellWords(t.Run), seconds, t.Exit)
	if t.Stdout != "" {
		script += fmt.Sprintf(`case "$(cat /tmp/stdout; echo .)" in
*%[1]s*) ;;
*) printf '%%s\n' "Its standard output does not contain this text:" %[1]s >&2; exit 1 ;;
esac
`, shellQuote(t.Stdout))
	}
	return script
}

// addressTest starts the command and waits for an answer. The command ends with the step.
func (g *Graph) addressTest(t Test, seconds int) string {
	interpreter, program := "node", askNode
	if g.Runtime.Interpreter.Name == "python" {
		interpreter, program = "python3 -I", askPython
	}
	return writeFile("/tmp/ask", program) + fmt.Sprintf(`(code=0; %s </dev/null >&2 || code=$?; echo $code >/tmp/ended.new; mv /tmp/ended.new /tmp/ended) &
exec %s /tmp/ask %s %d
`, shellWords(t.Run), interpreter, shellQuote(t.Address), seconds)
}
