package solve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// TestCauses reads what the programs themselves printed, and checks which lines an error puts first.
func TestCauses(t *testing.T) {
	tests := map[string][]string{
		"npm-out-of-step.txt": {"npm error Missing: left-pad@1.3.0 from lock file"},
		"npm-not-cached.txt": {"npm error request to https://registry.example.com/left-pad failed: cache mode is 'only-if-cached' " +
			"but no cached response is available."},
		"npm-peer.txt": {"npm error Found: react@17.0.2", `npm error peer react@"^18.2.0" from react-dom@18.2.0`},
		"npm-engine.txt": {
			"npm error notsup Not compatible with your version of node/npm: e@1.0.0", `npm error notsup Required: {"node":">=99"}`,
			`npm error notsup Actual:   {"node":"v20.20.2","npm":"11.19.1"}`,
		},
		"pnpm-out-of-step.txt": {
			"\u2009ERR_PNPM_OUTDATED_LOCKFILE\u2009 Cannot install with \"frozen-lockfile\" because pnpm-lock.yaml is not up to date with <ROOT>/lib/package.json",
			"  - is-odd (lockfile: 3.0.1, manifest: 3.0.0)",
		},
		"pnpm12-out-of-step.txt": {"Error: ERR_PNPM_OUTDATED_LOCKFILE", "  × installing dependencies", `  ╰─▶ Cannot install with "frozen-lockfile" because pnpm-lock.yaml is not up`, "        - is-odd (lockfile: 3.0.1, manifest: 3.0.0)"},
		"pnpm-engine.txt":        {"\u2009ERR_PNPM_UNSUPPORTED_ENGINE\u2009 Unsupported environment (bad pnpm and/or Node.js version)", "Expected version: >=99"},
		"yarn-out-of-step.txt":   {"error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`."},
		"yarn-engine.txt":        {`error root@1.0.0: The engine "node" is incompatible with this module. Expected version ">=99". Got "22.23.3"`},
		"yarn4-out-of-step.txt":  {"➤ YN0028: │ The lockfile would have been modified by this install, which is explicitly forbidden."},
		"bun-out-of-step.txt": {
			"error: lockfile had changes, but lockfile is frozen",
			"note: dependencies in package.json changed since bun.lock was saved: is-odd changed from 3.0.1 to 3.0.0 in lib",
		},
		"node-gyp-no-python.txt": {"gyp ERR! stack Error: Could not find any Python installation to use"},
		"gcc.txt":                {"a.c:1:10: fatal error: nope.h: No such file or directory"},
		"pip.txt": {
			"ERROR: Could not find a version that satisfies the requirement no-such-pkg-x==1 (from versions: none)",
			"ERROR: No matching distribution found for no-such-pkg-x==1",
		},
		"pip-pg-config.txt": {"      Error: pg_config executable not found.", "error: subprocess-exited-with-error"},
		"pip-toolchain.txt": {"      RuntimeError: Broken toolchain: cannot link a simple C program", "  ERROR: Failed building wheel for numpy"},
		"pip-hash.txt": {"ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update the hashes. " +
			"Otherwise, examine the package contents carefully; someone may have tampered with them."},
		"apt.txt": {"E: Unable to locate package no-such-package"},

		"npm-refused.txt":     {"npm error FetchError: request to http://localhost:9/yaml failed, reason: connect ECONNREFUSED 127.0.0.1:9"},
		"npm-no-name.txt":     {"npm error network request to http://none.invalid/yaml failed, reason: getaddrinfo ENOTFOUND none.invalid"},
		"pnpm-no-version.txt": {"\u2009ERR_PNPM_NO_MATCHING_VERSION\u2009 No matching version found for is-number@99.0.0 while fetching it from https://registry.example.com/"},
		"yarn-no-version.txt": {`error Couldn't find any versions for "is-number" that matches "99.0.0"`},
		"uv-no-package.txt": {
			"error: No solution found when resolving dependencies",
			"  cause: Because no-such-package-rtb was not found in the package registry and your project depends on no-such-package-rtb==1, " +
				"we can conclude that your project's requirements are unsatisfiable.",
		},
		"uv-0.8-no-package.txt": {"  × No solution found when resolving dependencies:", "  ╰─▶ Because no-such-package-rtb was not found in the package registry and"},
		"uv-out-of-step.txt":    {"error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided."},
		"poetry-no-package.txt": {"Because a depends on no-such-package-rtb (1) which doesn't match any versions, version solving failed."},
		"poetry-python.txt":     {"Current Python version (3.11.7) is not allowed by the project (^3.99)."},
		"make.txt":              {"a.cc:1:21: error: ‘f’ was not declared in this scope"},
		"make-no-program.txt":   {"make: none-such-compiler: No such file or directory"},
		"make-no-rule.txt":      {"make: *** No rule to make target 'b.o', needed by 'a'.  Stop."},
		"ld.txt":                {"a.cc:(.text+0x5): undefined reference to `f()'"},
		"ld-no-library.txt":     {"/usr/bin/ld: cannot find -lnone_such: No such file or directory"},
		"cmake.txt": {
			"CMake Error at CMakeLists.txt:3 (find_package):",
			"  Could not find a package configuration file provided by \"NoneSuch\" with any",
		},
		"tsc.txt": {
			"a.ts(1,7): error TS2322: Type 'string' is not assignable to type 'number'.",
			"a.ts(2,19): error TS2307: Cannot find module './none.js' or its corresponding type declarations.",
		},
		"tsc-types.txt": {"error TS2688: Cannot find type definition file for 'node'."},
		"no-name.txt":   {"curl: (6) Could not resolve host: none.invalid", "wget: unable to resolve host address ‘none.invalid’"},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", "causes", name))
			if err != nil {
				t.Fatal(err)
			}
			if got := causesOf(data); !cmp.Equal(want, got) {
				t.Error(cmp.Diff(want, got))
			}
		})
	}
}

// TestCausesAreFew: memory stays bounded, a line is kept once, and a line without end counts.
func TestCausesAreFew(t *testing.T) {
	text := strings.Repeat("E: same\n", 100) + "E: " + strings.Repeat("x", 2*longestCause) + "\n" + strings.Repeat("fine\n", 100) + "E: last"
	want := []string{"E: same", "E: " + strings.Repeat("x", longestCause-3), "E: last"}
	if got := causesOf([]byte(text)); !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
	var many strings.Builder
	for i := range 100 {
		many.WriteString("E: " + strings.Repeat("y", i) + "\n")
	}
	if got := causesOf([]byte(many.String())); len(got) != causeLines {
		t.Errorf("%d lines, want %d", len(got), causeLines)
	}
}

// TestCausesBehindProgressBars: a program writes a line over a progress bar, or ends its lines as on Windows.
func TestCausesBehindProgressBars(t *testing.T) {
	want := []string{"E: one", "E: two"}
	if got := causesOf([]byte("10%\r50%\rE: one\nE: two\r\n90%\r")); !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
}

// TestStepErrorSaysTheCauseFirst shows the text that a user reads.
func TestStepErrorSaysTheCauseFirst(t *testing.T) {
	err := &StepError{Step: "npm ci", ExitCode: 1, Causes: []string{"npm error Missing: a from lock file"}, Lines: []string{"npm error", "help"}}
	want := "step \"npm ci\" failed: exit code 1\n  cause: npm error Missing: a from lock file\n  | npm error\n  | help"
	if got := err.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestHints reads what the programs themselves printed, and checks the way out that an error ends with.
func TestHints(t *testing.T) {
	for name, want := range map[string]string{
		"pip-pg-config.txt": "a compiler or a library is missing", "pip-toolchain.txt": "a compiler or a library is missing", "pip-hash.txt": "",
		"pip-password.txt": "the index has no such package, or asks for a password", "uv-password.txt": "the index asks for a password", "uv-0.13-password.txt": "the index asks for a password",
		"uv-no-package.txt": "", "npm-peer.txt": "",
	} {
		data, err := os.ReadFile(filepath.Join("testdata", "causes", name))
		if err != nil {
			t.Fatal(err)
		}
		hint := (&StepError{Causes: causesOf(data), Lines: strings.Split(string(data), "\n")}).hint()
		if (hint == "") != (want == "") || !strings.Contains(hint, want) {
			t.Errorf("%s: %q, want %q", name, hint, want)
		}
	}
}

// causesOf returns the causes in the output of a step that arrives in chunks of 7 bytes.
func causesOf(output []byte) []string {
	p := &Progress{names: map[digest.Digest]string{}, logs: map[digest.Digest]*tail{}}
	for len(output) > 0 {
		n := min(7, len(output))
		p.remember(&client.SolveStatus{Logs: []*client.VertexLog{{Vertex: "v", Stream: 1, Data: output[:n]}}})
		output = output[n:]
	}
	_, causes, _ := p.step("v")
	return causes
}
