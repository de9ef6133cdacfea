package e2e

import (
	"strings"
	"testing"
)

// answering is a project that answers at port 8080, and ends if it gets an argument.
func answering(t *testing.T) *project {
	t.Helper()
	p := small(t)
	write(t, p.dir, "server.js", `if (process.argv[2]) { console.log('version', process.argv[2], process.getuid()); process.exit(3) }
require('http').createServer((q, r) => { r.statusCode = q.url === '/ok' ? 200 : 404; r.end() }).listen(8080)
`)
	return p
}

// with sets the tests of the runtime file.
func (p *project) with(t *testing.T, tests ...string) {
	t.Helper()
	write(t, p.dir, "runtime.yaml", "cmd: [node, server.js]\ntest:\n- "+strings.Join(tests, "\n- ")+"\n")
}

// TestImageTests checks an image before it is published.
func TestImageTests(t *testing.T) {
	t.Parallel()
	p := answering(t)
	p.with(t, "{run: node server.js 1.4, exit: 3, stdout: 'version 1.4 1000'}", "{run: [node, server.js, x], user: root, exit: 3, stdout: version x 0}",
		"{address: 'http://127.0.0.1:8080/ok'}", "{address: 'localhost:8080', timeout: 20}", "{file: /agent/code/server.js, mode: '0644', contains: createServer}",
		"{run: node server.js & exit 0}", "{run: echo two; echo lines, stdout: \"two\\nlines\\n\"}")
	p.solve(t)
	source := p.plan(t).Images.Source
	p.with(t, "{file: /none}")
	if p.plan(t).Images.Source == source {
		t.Error("another test gives the same tag")
	}
	for _, tt := range []struct{ test, want, line string }{
		{"{run: node server.js 1.4}", `step "[test] node server.js 1.4" failed: exit code 1`, "| Its exit code is 3, not 0."},
		{"{run: node server.js 1.4, exit: 3, stdout: 'version 2'}", `step "[test] node server.js 1.4" failed: exit code 1`, "| version 2"},
		{"{run: sleep 99, timeout: 1}", `step "[test] sleep 99" failed: exit code 1`, "| It still runs after 1 s."},
		{"{address: 'http://127.0.0.1:8080/no', timeout: 1}", `step "[test] http://127.0.0.1:8080/no answers" failed: exit code 1`, "did not answer within 1 s (status 404)."},
		{"{address: 'http://127.0.0.1:8080/ok', run: node server.js x}", `step "[test] http://127.0.0.1:8080/ok answers" failed: exit code 1`,
			"| The command ended with exit code 3 before http://127.0.0.1:8080/ok answered (ECONNREFUSED)."},
		{"{file: /agent/code/none.js}", "a test of the image failed: /agent/code/none.js is not there", ""},
		{"{file: /agent/code/server.js, mode: '0755'}", "a test of the image failed: /agent/code/server.js has mode 0644, not 0755", ""},
		{"{file: /agent/code/server.js, contains: nothing}", `a test of the image failed: /agent/code/server.js does not contain "nothing"`, ""},
		{"{run: no-such-program}", `step "[test] no-such-program" failed: exit code 1`, "| Its exit code is 127, not 0."},
	} {
		t.Run(tt.test, func(t *testing.T) {
			p.with(t, tt.test)
			if res := p.fails(t, 1, tt.want); !strings.Contains(res.stderr, tt.line) {
				t.Errorf("the error has no line %q\n%s", tt.line, res.stderr)
			}
			p.unpublished(t)
		})
	}
	p.solve(t, "--no-test")
	if made := p.plan(t, "--no-test"); made.Variant != "none" {
		t.Errorf("without tests, the plan is %+v", made)
	}
	if made := p.plan(t); made.Variant != "lock" || made.Exists["source"] != "stale" {
		t.Errorf("an image that was not tested: %+v", made)
	}
}

// TestFrontendImageTests runs the tests of an image that exists, too.
func TestFrontendImageTests(t *testing.T) {
	t.Parallel()
	p := answering(t)
	file := func(test string) {
		write(t, p.dir, "runtime.yaml", "# syntax="+frontendRef(t)+"\nbase: "+env.base+"\nrepository: "+p.repository+"\ncmd: [node, server.js]\ntest: ["+test+"]\n")
	}
	file("{run: exit 1}")
	p.refused(t, "step test-exit-1 failed: exit code 1", "test: [{run: exit 1}]")
	p.buildx(t, "-o", computed, "--build-arg", "NO_TEST=1", "--build-arg", "FORCE_REBUILD=1")
	p.buildx(t, "--build-arg", "NO_TEST=1")
	p.refused(t, "step test-exit-1 failed: exit code 1", "test: [{run: exit 1}]", "--target", "test")
	file("{address: 'http://127.0.0.1:8080/ok'}")
	p.buildx(t, "--target", "test")
}
