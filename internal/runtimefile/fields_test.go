package runtimefile

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/llb"
)

// known are the words of the profiles that there are.
var known = Known{Profiles: []string{"node", "python", "openhands"}, Managers: []string{"none", "npm", "pip", "poetry", "uv"}, Tools: []string{"node", "uv"}}

// beyondSchema marks faults that a JSON Schema cannot find.
const beyondSchema = true

func TestFieldErrors(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	tool := func(fields string) string { return "tools: [{" + fields + "}]" }
	tests := []struct {
		name, yaml, want string
		beyond           bool
	}{
		{"a misspelt field", "base: a\n\npakages: [git]\n", "runtime.yaml:3:1: unknown field \"pakages\": did you mean \"packages\"?\npakages: [git]\n^", false},
		{"a tab", "tools:\n\t", "runtime.yaml:2: not valid YAML: found character that cannot start any token", beyondSchema},
		{"an unknown field", "x: 1", `runtime.yaml:1:1: unknown field "x": known are args, base, build, bytecode, cmd, components, dependencies, directory, entrypoint, env, expose, extra, healthcheck, ignore, network, packages, prefix, profile, project, repository, runtime, source, stopSignal, test, tools, user, version, volumes, workdir`, false},
		{"a number for a field", "1: x", `runtime.yaml:1:1: unknown field "1": known are args, base, build, bytecode, cmd, components, dependencies, directory, entrypoint, env, expose, extra, healthcheck, ignore, network, packages, prefix, profile, project, repository, runtime, source, stopSignal, test, tools, user, version, volumes, workdir`, beyondSchema},
		{"a list for a field", "[a]: x", "runtime.yaml:1:1: the name of a field must be a string, not a list", beyondSchema},
		{"a field set twice", "base: a\nbase: b", `runtime.yaml:2:1: "base" is set twice: it was set in line 1 before`, beyondSchema},
		{"a merge", "user: &u {uid: 7}\nenv: {<<: *u}", "runtime.yaml:2:7: merging maps is not supported: write the fields out", beyondSchema},
		{"a list", "- base", "runtime.yaml:1:1: the file must be a map, not a list", false},
		{"a string", "base", "runtime.yaml:1:1: the file must be a map, not a string", false},
		{"two documents", "base: a\n---\nbase: b", "runtime.yaml:2:1: the file holds more than one YAML document: remove the others", beyondSchema},
		{"a fault behind the document", "base: a\n---\n[", "runtime.yaml:3: not valid YAML: did not find expected node content\n[", beyondSchema},
		{"a bracket", "packages: [git\nbase: a\n", "runtime.yaml:2: not valid YAML: did not find expected ',' or ']'\nbase: a", beyondSchema},
		{"a bracket further down", "base: a\npackages: [git\nuser: root\n", "runtime.yaml:2: not valid YAML: did not find expected ',' or ']'\npackages: [git", beyondSchema},
		{"an unknown anchor", "base: *a", "runtime.yaml: not valid YAML: unknown anchor 'a' referenced", beyondSchema},
		{"Latin-1", "base: a\n# caf\xe9\n", "runtime.yaml:2:6: the file is not UTF-8: save it as UTF-8\n# caf\uFFFD\n     ^", beyondSchema},
		{"a column behind other letters", "env: {ÄÖ: 1}", "runtime.yaml:1:7: the name of a variable, \"ÄÖ\", is not valid: it must be letters, digits and _\nenv: {ÄÖ: 1}\n      ^", false},
		{"a column behind a tab", "env: {\tPATH: x}\r\n", "runtime.yaml:1:8: PATH cannot be set: it is the base's, behind the runtime's own directories: put programs into bin below the prefix\nenv: {\tPATH: x}\n      \t^", false},

		{"profile", "profile: nod", `runtime.yaml:1:10: unknown profile "nod": did you mean "node"?`, false},
		{"profile of a wrong type", "profile: [node]", "runtime.yaml:1:10: profile must be a string, not a list", false},
		{"an empty value", "base:", "runtime.yaml:1:6: base must be a string, not empty", false},
		{"base", "base: Debian", `runtime.yaml:1:7: base image "Debian": invalid reference format: repository name (library/Debian) must be lowercase: write it as [REGISTRY[:PORT]/]NAME[:TAG][@DIGEST], the name in lower case`, beyondSchema},
		{"base of a wrong type", "base: 1", "runtime.yaml:1:7: base must be a string, not a number", false},
		{"a NUL", `extra: "a\0b"`, "runtime.yaml:1:8: extra must not hold a NUL character", beyondSchema},
		{"repository", "repository: a/B", `runtime.yaml:1:13: repository "a/B": invalid reference format: repository name (a/B) must be lowercase: write it as [REGISTRY[:PORT]/]NAME, in lower case, without a tag`, beyondSchema},
		{"repository with a tag", "repository: a/b:c", `runtime.yaml:1:13: repository "a/b:c": it has a tag or a digest: write it as [REGISTRY[:PORT]/]NAME, in lower case, without a tag`, beyondSchema},
		{"version", "version: ''", `runtime.yaml:1:10: version "" is not valid: it must be one line, and not empty`, false},
		{"version of a wrong type", "version: true", "runtime.yaml:1:10: version must be a string, not true or false", false},
		{"two interpreters", "runtime: {node: 22, python: 3.12}", "runtime.yaml:1:29: runtime must name one interpreter, and names node already", false},
		{"no interpreter", "runtime: {}", "runtime.yaml:1:10: runtime names no interpreter: write it as {node: 22} or {python: 3.12}", false},
		{"an unknown interpreter", "runtime: {nodejs: 22}", `runtime.yaml:1:11: unknown field "nodejs": did you mean "node"?`, false},
		{"interpreter version", "runtime: {node: '>=22'}", `runtime.yaml:1:17: version of node ">=22" is not valid: write it as 22 or 3.12`, false},
		{"prefix", "prefix: agent", `runtime.yaml:1:9: prefix "agent" is not valid: it must be an absolute path of letters, digits, ., _, + and -`, false},
		{"prefix that is not clean", "prefix: /a/../b", `runtime.yaml:1:9: prefix "/a/../b" is not valid: it must be an absolute path of letters, digits, ., _, + and -`, false},
		{"prefix is the root", "prefix: /", `runtime.yaml:1:9: prefix "/" belongs to the system: choose a separate directory, such as /agent or /opt/agent`, false},
		{"prefix of the system", "prefix: /usr/lib", `runtime.yaml:1:9: prefix "/usr/lib" belongs to the system: choose a separate directory, such as /agent or /opt/agent`, beyondSchema},
		{"prefix in what is mounted over", "prefix: /tmp/agent", `runtime.yaml:1:9: prefix "/tmp/agent" belongs to the system: choose a separate directory, such as /agent or /opt/agent`, beyondSchema},
		{"user", "user: bob", "runtime.yaml:1:7: user must be a map or the word root: write {name: agent, uid: 1000, gid: 1000}, or root", false},
		{"user is a list", "user: [bob]", "runtime.yaml:1:7: user must be a map, not a list", false},
		{"user name", "user: {name: Bob}", `runtime.yaml:1:14: user name "Bob" is not valid: it must be lower-case letters, digits, - and _`, false},
		{"root in a map", "user: {name: root}", "runtime.yaml:1:14: root is not made, and has its ids already: write user: root", false},
		{"uid", "user: {uid: 0}", "runtime.yaml:1:13: uid must be a decimal number from 1 to 4294967294", false},
		{"gid too large", "user: {gid: 4294967295}", "runtime.yaml:1:13: gid must be a decimal number from 1 to 4294967294", false},
		{"octal uid", "user: {uid: 0100}", "runtime.yaml:1:13: uid must be a decimal number from 1 to 4294967294", beyondSchema},
		{"uid in quotes", "user: {uid: '1'}", "runtime.yaml:1:13: uid must be a number, not a string", false},
		{"packages", "packages: git", "runtime.yaml:1:11: packages must be a list, or a map of lists by package manager, not a string", false},
		{"package", "packages: [git, 'a; rm -rf /']", `runtime.yaml:1:17: package "a; rm -rf /" is not valid: give the name of a package, or NAME=VERSION`, false},
		{"package of a wrong type", "packages: [{a: b}]", "runtime.yaml:1:12: package must be a string, not a map", false},
		{"package manager", "packages: {atp: [git]}", `runtime.yaml:1:12: unknown field "atp": known are apk, apt, dnf, zypper`, false},
		{"packages of a manager", "packages: {apt: git}", "runtime.yaml:1:17: packages.apt must be a list, not a string", false},
		{"component", "components: {borwser: true}", `runtime.yaml:1:14: unknown field "borwser": did you mean "browser"?`, false},
		{"component of a wrong type", "components: {browser: yes please}", "runtime.yaml:1:23: component browser must be true or false, not a string", false},
		{"components", "components: [browser]", "runtime.yaml:1:13: components must be a map, not a list", false},
		{"tools", "tools: {name: a}", "runtime.yaml:1:8: tools must be a list, not a map", false},
		{"tool", "tools: [uv]", "runtime.yaml:1:9: an item of tools must be a map, not a string", false},
		{"tool without a name", tool("version: 1"), `runtime.yaml:1:9: tool "" has no name: a tool has name, version, url and sha256`, false},
		{"tool without a version", tool("name: a, url: 'https://e.com', sha256: {amd64: " + sum + "}"), `runtime.yaml:1:9: tool "a" has no version: a tool has name, version, url and sha256`, false},
		{"tool without a url", tool("name: a, version: 1"), `runtime.yaml:1:9: tool "a" has no url: a tool has name, version, url and sha256`, false},
		{"tool without a checksum", tool("name: a, version: 1, url: 'https://e.com', sha256: {}"), `runtime.yaml:1:9: tool "a" has no sha256: a tool has name, version, url and sha256`, false},
		{"tool with two checksums of one file", tool("name: a, version: 1, url: 'https://e.com', sha256: {amd64: " + sum + ", arm64: " + strings.Repeat("0", 64) + "}"), `runtime.yaml:1:9: tool "a" has no {arch} in its url, but several checksums: a tool has name, version, url and sha256`, beyondSchema},
		{"tool named twice", "tools: [&t {name: a, version: 1, url: 'https://e.com', sha256: {amd64: " + sum + "}}, *t]", `runtime.yaml:1:140: tool "a" is named twice`, beyondSchema},
		{"tool name", tool("name: a/b"), `runtime.yaml:1:16: tool name "a/b" is not valid: it must be letters, digits, ., _, + and -`, false},
		{"tool version", tool("version: -1"), `runtime.yaml:1:19: tool version "-1" is not valid: it must be letters, digits, ., _, + and -`, false},
		{"tool url", tool("url: ftp://e.com"), `runtime.yaml:1:15: url "ftp://e.com" is not valid: it must begin with https:// or http:// and a host`, false},
		{"tool url with a password", tool("url: 'https://u:p@e.com'"), `runtime.yaml:1:15: url of e.com holds a user or password, which the image would show: leave it out`, false},
		{"tool url with a shell's characters", tool("url: 'https://e.com/`id`'"), "runtime.yaml:1:15: url \"https://e.com/%60id%60\" is not valid: write \"`\" as % and two hexadecimal digits", beyondSchema},
		{"tool url with a lone percent sign", tool("url: 'https://e.com/?%zz'"), `runtime.yaml:1:15: url "https://e.com/" is not valid: write "%" as % and two hexadecimal digits`, beyondSchema},
		{"mirror with a shell's characters", "network: {mirrors: {'https://pypi.org': 'https://e.com/$(touch${IFS}/x)'}}", `runtime.yaml:1:41: mirror "https://e.com/$(touch${IFS}/x)" is not valid: write "{" as % and two hexadecimal digits`, beyondSchema},
		{"tool url with a placeholder", tool("url: 'https://e.com/{os}'"), `runtime.yaml:1:15: url "https://e.com/{os}" has an unknown placeholder {os}: known are {version} and {arch}`, false},
		{"tool architecture", tool("sha256: {x86_64: a}"), `runtime.yaml:1:19: unknown architecture "x86_64": did you mean "amd64"?`, false},
		{"tool architecture misspelt", tool("sha256: {amd65: a}"), `runtime.yaml:1:19: unknown architecture "amd65": did you mean "amd64"?`, false},
		{"tool checksum", tool("sha256: {amd64: abc}"), `runtime.yaml:1:26: sha256 "abc" is not valid: it must be 64 hexadecimal digits`, false},
		{"tool checksums", tool("sha256: abc"), "runtime.yaml:1:18: sha256 must be a map, not a string", false},
		{"tool directory", tool("to: /bin"), `runtime.yaml:1:14: to "/bin" is not valid: it must be a path below the prefix, of letters, digits, ., _, + and -`, false},
		{"tool directory outside", tool("to: a/../.."), `runtime.yaml:1:14: to "a/../.." is not valid: it must be relative and stay inside`, false},
		{"manager", "dependencies: {manager: cargo}", `runtime.yaml:1:25: unknown manager "cargo": known are none, npm, pip, poetry, uv`, false},
		{"dependencies", "dependencies: npm", "runtime.yaml:1:15: dependencies must be a map, not a string", false},
		{"dependency files", "dependencies: {files: []}", "runtime.yaml:1:23: files is empty: name at least one, or leave files out", false},
		{"dependency file", "dependencies: {files: ['a b']}", `runtime.yaml:1:24: dependency file "a b" is not valid: it must be a path relative to the context, of letters, digits, ., _, @, + and -`, false},
		{"dependency file outside", "dependencies: {files: [a/../../b]}", `runtime.yaml:1:24: dependency file "a/../../b" is not valid: it must be a path relative to the context, of letters, digits, ., _, @, + and -`, beyondSchema},
		{"dependency file named twice", "dependencies: {files: [a, a]}", `runtime.yaml:1:27: dependency file "a" is named twice`, false},
		{"installer", "base: a\ndependencies: {installer: pip}\n", "runtime.yaml:2:27: unknown installer \"pip\": known are poetry, uv\ndependencies: {installer: pip}\n                          ^", false},
		{"project", "project: build", "runtime.yaml:1:10: rtbuild does not run build backends yet: leave project out, and build it by extra, such as extra: pip --python PREFIX/venv/bin/python install --no-deps .", false},
		{"project misspelt", "project: non", `runtime.yaml:1:10: unknown project "non": did you mean "none"?`, false},
		{"installer misspelt", "dependencies: {installer: poetri}", `runtime.yaml:1:27: unknown installer "poetri": did you mean "poetry"?`, false},
		{"installer of a wrong type", "dependencies: {installer: true}", "runtime.yaml:1:27: installer must be a string, not true or false", false},
		{"byte code", "base: a\nbytecode: most\n", "runtime.yaml:2:11: unknown bytecode \"most\": known are all, none, startup\nbytecode: most\n          ^", false},
		{"byte code misspelt", "bytecode: start-up", `runtime.yaml:1:11: unknown bytecode "start-up": did you mean "startup"?`, false},
		{"byte code of a wrong type", "bytecode: true", "runtime.yaml:1:11: bytecode must be a string, not true or false", false},
		{"source", "source: .", "runtime.yaml:1:9: source must be a list, not a string", false},
		{"source path missing", "source: [{hash: true}]", "runtime.yaml:1:10: an item of source has no path: write {path: ., hash: true}", false},
		{"source path empty", "source: [{path: ''}]", "runtime.yaml:1:17: source path is empty: write . for the context itself", false},
		{"source path outside", "source: [{path: ../a}]", `runtime.yaml:1:17: source path "../a" is not valid: it must be relative and stay inside`, beyondSchema},
		{"source path of Windows", `source: [{path: a\b}]`, `runtime.yaml:1:17: source path "a\\b" is a path of Windows: write it with / and relative, as in src/app`, false},
		{"source path with a drive", `source: [{path: 'C:/a'}]`, `runtime.yaml:1:17: source path "C:/a" is a path of Windows: write it with / and relative, as in src/app`, beyondSchema},
		{"dependency file of Windows", `dependencies: {files: [a\b]}`, `runtime.yaml:1:24: dependency file "a\\b" is a path of Windows: write it with / and relative, as in src/app`, false},
		{"workdir of Windows", `workdir: C:\a`, `runtime.yaml:1:10: workdir "C:\\a" is a path of Windows: the image is one of Linux, where paths begin with / and are written with /`, false},
		{"prefix of Windows", `prefix: C:\a`, `runtime.yaml:1:9: prefix "C:\\a" is a path of Windows: the image is one of Linux, where paths begin with / and are written with /`, false},
		{"source path named twice", "source: [{path: a}, {path: a/}]", `runtime.yaml:1:21: source path "a" is named twice`, beyondSchema},
		{"source item", "source: [a]", "runtime.yaml:1:10: an item of source must be a map, not a string", false},
		{"source hash", "source: [{path: a, hash: 1}]", "runtime.yaml:1:26: hash must be true or false, not a number", false},
		{"source without a hash", "source: [{path: a, hash: false}]", "runtime.yaml:1:9: no path of the source is hashed, so no change would be noticed: set hash: true for at least one path", beyondSchema},
		{"ignore", "ignore: '*.log'", "runtime.yaml:1:9: ignore must be a list, not a string", false},
		{"ignore pattern", "ignore: ['[a']", `runtime.yaml:1:10: pattern "[a" is not valid: patterns are those of .dockerignore`, beyondSchema},
		{"ignore comment", "ignore: ['#a']", `runtime.yaml:1:10: pattern "#a" is not valid: patterns are those of .dockerignore`, false},
		{"ignore number", "ignore: [1]", "runtime.yaml:1:10: a pattern must be a string, not a number", false},
		{"env", "env: [A=1]", "runtime.yaml:1:6: env must be a map, not a list", false},
		{"args", "args: COMMIT", "runtime.yaml:1:7: args must be a list, not a string", false},
		{"the name of an argument", "args: [1A]", "runtime.yaml:1:8: the name \"1A\" is not valid: it must be letters, digits and _", false},
		{"an argument PATH", "args: [PATH]", "runtime.yaml:1:8: PATH cannot be set: it is the base's, behind the runtime's own directories", false},
		{"env of dependencies", "dependencies: {env: {PATH: x}}", "runtime.yaml:1:22: PATH cannot be set: it is the base's, behind the runtime's own directories: put programs into bin below the prefix", false},
		{"env value", "env: {A: [1]}", "runtime.yaml:1:10: A must be a string, not a list", false},
		{"cmd", "cmd: npm start", "runtime.yaml:1:6: cmd must be a list of words, not a string: write cmd: [npm, start]", false},
		{"entrypoint", "entrypoint: a && b", `runtime.yaml:1:13: entrypoint must be a list of words, not a string: write entrypoint: [sh, -c, "a && b"]`, false},
		{"cmd of a wrong type", "cmd: 1", "runtime.yaml:1:6: cmd must be a list, not a number", false},
		{"cmd word", "cmd: [a, true]", "runtime.yaml:1:10: an item of cmd must be a string, not true or false", false},
		{"cmd word of a type of its own", "cmd: [!x a]", "runtime.yaml:1:7: an item of cmd must be a string, not a value of type !x", beyondSchema},
		{"base is a date", "base: 2024-01-02", "runtime.yaml:1:7: base must be a string, not a date", beyondSchema},
		{"workdir", "workdir: srv", `runtime.yaml:1:10: workdir "srv" is not valid: it must be an absolute path without . and .. in it`, false},
		{"an empty build command", "build: ' '", "runtime.yaml:1:8: the build command is empty: write a command such as npm run build", beyondSchema},
		{"no words of a build command", "build: []", "runtime.yaml:1:8: the build command is empty: write a command such as [npm, run, build]", beyondSchema},
		{"a build command of a wrong type", "build: true", "runtime.yaml:1:8: the build command must be a string, not true or false", false},
		{"a field of build", "build: {command: make}", `runtime.yaml:1:9: unknown field "command": known are env, network, outputs, packages, run`, false},
		{"packages of build", "build: {packages: gcc}", "runtime.yaml:1:19: packages must be a list, or a map of lists by package manager, not a string", false},
		{"an output outside", "build: {outputs: [../dist]}", `runtime.yaml:1:19: output "../dist" is not valid: it must be relative and stay inside`, beyondSchema},
		{"an output with a wildcard", "build: {outputs: ['dist/*.js']}", `runtime.yaml:1:19: output "dist/*.js" is not valid: name a file or directory below the code directory, without wildcards`, beyondSchema},
		{"everything as an output", "build: {outputs: [./]}", `runtime.yaml:1:19: output "./" is not valid: name a file or directory below the code directory, without wildcards`, beyondSchema},
		{"network of build", "build: {network: host}", `runtime.yaml:1:18: unknown network of the build "host": known are default, none`, false},
		{"PATH of build", "build: {env: {PATH: /x}}", "runtime.yaml:1:15: PATH cannot be set: it is the base's, behind the runtime's own directories: put programs into bin below the prefix", false},
		{"a test of nothing", "test: [{}]", "runtime.yaml:1:8: a test says nothing to test: write {run: COMMAND}, {address: URL} or {file: PATH}", beyondSchema},
		{"a test that is no map", "test: [true]", "runtime.yaml:1:8: an item of test must be a map, not true or false", false},
		{"a field of a test", "test: [{command: x}]", `runtime.yaml:1:9: unknown field "command": known are address, contains, exit, file, mode, network, run, stdout, timeout, user`, false},
		{"an exit code", "test: [{run: x, exit: 256}]", "runtime.yaml:1:23: exit must be a decimal number from 0 to 255", false},
		{"a file that is not absolute", "test: [{file: a}]", `runtime.yaml:1:15: file "a" of a test is not an absolute path: write it as /agent/code/server.js`, false},
		{"a mode", "test: [{file: /a, mode: u+x}]", `runtime.yaml:1:25: mode "u+x" is not valid: write it as "0755"`, false},
		{"a mode without a file", "test: [{run: x, mode: '0755'}]", "runtime.yaml:1:8: mode and contains are about a file: name the file", beyondSchema},
		{"a file and a command", "test: [{file: /a, run: x}]", "runtime.yaml:1:8: a test of a file has only the fields file, mode and contains: write a test of its own for the command", beyondSchema},
		{"an address and an exit code", "test: [{address: 'a:80', exit: 1}]", "runtime.yaml:1:8: exit and stdout are about a command that ends, but one that answers at an address does not: write a test of its own for the command", beyondSchema},
		{"an address", "test: [{address: 'ftp://a'}]", `runtime.yaml:1:18: address "ftp://a" is not valid: write it as http://127.0.0.1:8080/health or 127.0.0.1:8080`, beyondSchema},
		{"a port of an address", "test: [{address: 'a:99999'}]", `runtime.yaml:1:18: address "a:99999" is not valid: write it as http://127.0.0.1:8080/health or 127.0.0.1:8080`, beyondSchema},
		{"a user of a test", "test: [{run: x, user: A}]", `runtime.yaml:1:23: user of a test "A" is not valid: give its name or number`, false},
		{"the network of a test", "test: [{run: x, network: host}]", `runtime.yaml:1:26: unknown network of a test "host": known are default, none`, false},
		{"a timeout", "test: [{run: x, timeout: 0}]", "runtime.yaml:1:26: timeout must be a decimal number from 1 to 3600", false},
		{"a health check without a command", "healthcheck: {interval: 30s}", "runtime.yaml:1:14: healthcheck names no command: write run: COMMAND, or healthcheck: none", false},
		{"a duration", "healthcheck: {run: x, interval: 30}", "runtime.yaml:1:33: a duration must be a string, not a number", false},
		{"a duration that is none", "healthcheck: {run: x, interval: soon}", `runtime.yaml:1:33: the duration "soon" is not valid: write it as 30s or 1m30s`, false},
		{"a duration that docker refuses", "healthcheck: {run: x, timeout: 1us}", `runtime.yaml:1:32: the duration "1us" is not valid: write it as 30s or 1m30s`, false},
		{"a signal", "stopSignal: TERM", `runtime.yaml:1:13: stopSignal "TERM" is not valid: write it as SIGTERM`, false},
		{"a volume", "volumes: [data]", `runtime.yaml:1:11: volume "data" is not valid: write an absolute path without . and .. in it, such as /data`, false},
		{"port", "expose: [80, 65536]", `runtime.yaml:1:14: port "65536" is not valid: write it as 8080 or 8080/tcp, from 1 to 65535; protocols are tcp, udp, sctp`, false},
		{"port protocol", "expose: [80/http]", `runtime.yaml:1:10: port "80/http" is not valid: write it as 8080 or 8080/tcp, from 1 to 65535; protocols are tcp, udp, sctp`, false},
		{"expose", "expose: 80", "runtime.yaml:1:9: expose must be a list, not a number", false},
		{"extra", "extra: [a]", "runtime.yaml:1:8: extra must be a string, not a list", false},
		{"network", "network: {mirror: {}}", `runtime.yaml:1:11: unknown field "mirror": did you mean "mirrors"?`, false},
		{"mirrors", "network: {mirrors: []}", "runtime.yaml:1:20: mirrors must be a map, not a list", false},
		{"mirrored address", "network: {mirrors: {github.com: 'https://a.com'}}", `runtime.yaml:1:21: address "github.com" is not valid: it must begin with https:// or http:// and a host`, false},
		{"site misspelt", "network: {mirrors: {pypy: 'https://a.com'}}", `runtime.yaml:1:21: unknown site "pypy": did you mean "pypi"? known are conda-forge, docker, github, npm, playwright, pypi, python; or write an address, such as https://example.com`, false},
		{"site unknown", "network: {mirrors: {maven: 'https://a.com'}}", `runtime.yaml:1:21: unknown site "maven": known are conda-forge, docker, github, npm, playwright, pypi, python; or write an address, such as https://example.com`, false},
		{"site and its address", "network: {mirrors: {github: 'https://a.com', 'https://github.com': 'https://b.com'}}", `runtime.yaml:1:46: "github" and "https://github.com" are the same server, and have different mirrors: remove one of them`, beyondSchema},
		{"address and its site", "network: {mirrors: {'" + llb.Sites()["npm"].Addresses[0] + "/': 'https://b.com', npm: 'https://a.com'}}", `runtime.yaml:1:69: "` + llb.Sites()["npm"].Addresses[0] + `/" and "npm" are the same server, and have different mirrors: remove one of them`, beyondSchema},
		{"mirror of a site", "network: {mirrors: {npm: a.com}}", `runtime.yaml:1:26: mirror "a.com" is not valid: it must begin with https:// or http:// and a host`, false},
		{"mirror", "network: {mirrors: {'https://a.com': b}}", `runtime.yaml:1:38: mirror "b" is not valid: it must begin with https:// or http:// and a host`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(Name, []byte(test.yaml), known)
			projecttest.CheckError(t, err, test.want)
			var e *projectfile.Error
			if !errors.As(err, &e) || e.File != Name {
				t.Errorf("error is a %T", err)
			}
			if !test.beyond {
				projecttest.CheckSchema(t, Schema(), test.yaml, false)
			}
		})
	}
}

// TestMirrors: a name is short for the addresses of a site.
func TestMirrors(t *testing.T) {
	npm, yarn := llb.Sites()["npm"].Addresses[0], llb.Sites()["npm"].Addresses[1]
	for _, tt := range []struct {
		name, mirrors string
		want          map[string]string
	}{
		{"none", "{}", map[string]string{}},
		{"an address, as it is written", "{'https://a.com/x': 'https://b.com/'}", map[string]string{"https://a.com/x": "https://b.com/"}},
		{"two addresses", "{npm: 'https://a.com/npm/'}", map[string]string{npm: "https://a.com/npm", yarn: "https://a.com/npm"}},
		{"an index", "{pypi: 'https://a.com/pypi/simple/'}", map[string]string{llb.PyPI: "https://a.com/pypi"}},
		{"an index without the end of its address", "{pypi: 'https://a.com'}", map[string]string{llb.PyPI: "https://a.com"}},
		{"a host with an odd name", "{pypi: 'https://simple'}", map[string]string{llb.PyPI: "https://simple"}},
		{"the files of an index", "{pypi: 'https://a.com', '" + llb.PyPIFiles + "': 'https://b.com'}",
			map[string]string{llb.PyPI: "https://a.com", llb.PyPIFiles: "https://b.com"}},
		{"a part of a site", "{github: 'https://a.com', 'https://github.com/astral-sh': 'https://b.com'}",
			map[string]string{"https://github.com": "https://a.com", "https://github.com/astral-sh": "https://b.com"}},
		{"the same said twice", "{'" + llb.PyPI + "': 'https://a.com/', pypi: 'https://a.com/simple'}", map[string]string{llb.PyPI: "https://a.com"}},
		{"directories", "{conda-forge: 'https://a.com/forge', playwright: 'https://a.com/browsers', docker: 'https://a.com/docker-ce'}", map[string]string{
			"https://conda.anaconda.org/conda-forge": "https://a.com/forge", "https://download.docker.com": "https://a.com/docker-ce",
			"https://cdn.playwright.dev/dbazure/download/playwright": "https://a.com/browsers",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			yaml := "network: {mirrors: " + tt.mirrors + "}\n"
			f, err := Parse(Name, []byte(yaml), known)
			projecttest.CheckError(t, err, "")
			if diff := cmp.Diff(tt.want, f.Mirrors); diff != "" {
				t.Error(diff)
			}
			projecttest.CheckSchema(t, Schema(), yaml, true)
		})
	}
}
