package main

import (
	"strings"
	"testing"
)

// TestUsageErrors: a wrong number of arguments and a misspelt flag are errors that say what to write.
func TestUsageErrors(t *testing.T) {
	for _, tt := range []struct{ args, err string }{
		{"diff a", "diff compares two images: give IMAGE IMAGE (1 given)"},
		{"plan a b", "plan takes one CONTEXT, not 2: a b"},
		{"solve a b c", "solve takes one CONTEXT, not 3: a b c"},
		{"doctor x", `doctor takes no arguments, and "x" was given`},
		{"version x", `version takes no arguments, and "x" was given`},
		{"solve --base-imge x", `unknown flag: --base-imge: did you mean "--base-image"?`},
		{"solve --base_imge=x", `unknown flag: --base_imge: did you mean "--base-image"?`},
		{"plan --nothing-like-it", "unknown flag: --nothing-like-it: rtbuild-client plan --help lists all"},
		{"serve --until-idl", "unknown flag: --until-idl: rtbuild-client serve --help lists all"},
		{"plan -x", "unknown shorthand flag: 'x' in -x"},
		{"solve --retries x", `invalid --retries "x": must be a whole number from 0 to 4294967295`},
		{"solve --secret foo", "invalid --secret: must be id=ID,src=FILE or id=ID,env=VARIABLE"},
		{"solve --addr foo .", `invalid --addr "foo": must be docker://, or begin with unix://, tcp://, `},
		{"doctor --repository A", `invalid --repository "A": `},
	} {
		t.Run(tt.args, func(t *testing.T) {
			root := newRoot()
			args := strings.Fields(tt.args)
			if args[len(args)-1] == "." {
				args[len(args)-1] = "../../examples/node-agent"
			}
			root.SetArgs(args)
			if err := root.ExecuteContext(t.Context()); err == nil || !strings.HasPrefix(err.Error(), tt.err) || exitCode(err) != exitUsage {
				t.Errorf("got exit code %d, %v, want %q", exitCode(err), err, tt.err)
			}
		})
	}
}
