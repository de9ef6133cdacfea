package migrate

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// project returns a file system of files with their texts.
func project(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// The projects of these tests.
var (
	npmProject = project(map[string]string{
		"package.json":      `{"name": "mcp-notes", "main": "server.js", "bin": {"mcp-notes": "cli.js"}, "scripts": {"build": "tsc"}}`,
		"package-lock.json": "{}", "server.js": "", "cli.js": "",
	})
	typescript = project(map[string]string{
		"package.json":      `{"name": "agent", "main": "dist/index.js", "scripts": {"build": "tsc", "start": "node dist/index.js"}}`,
		"package-lock.json": "{}",
	})
	uvProject = project(map[string]string{
		"pyproject.toml":            "[project]\nname = \"mcp-clock\"\nversion = \"1.0\"\n[project.scripts]\nmcp-clock = \"mcp_clock:main\"\n[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n",
		"uv.lock":                   "version = 1\n[[package]]\nname = \"mcp-clock\"\nversion = \"1.0\"\nsource = { editable = \".\" }\n",
		"src/mcp_clock/__init__.py": "",
	})
	uvExtras = project(map[string]string{
		"pyproject.toml": "[project]\nname = \"mcp-clock\"\nversion = \"1.0\"\n[project.optional-dependencies]\nwpad = []\nx = []\n",
		"uv.lock":        "version = 1\n[[package]]\nname = \"mcp-clock\"\nversion = \"1.0\"\nsource = { virtual = \".\" }\n[package.optional-dependencies]\nwpad = []\nx = []\n[package.metadata]\nprovides-extras = [\"wpad\", \"x\"]\n",
	})
	scripts    = project(map[string]string{"package.json": `{"scripts": {"start:prod": "node dist/main.js", "serve": "node x.js | tee log", "build": "tsc"}}`, "package-lock.json": "{}", "dist/main.js": ""})
	sources    = project(map[string]string{"package.json": "{}", "package-lock.json": "{}", "src/index.js": "", "other.js": ""})
	pipProject = project(map[string]string{"requirements.txt": "", "deploy/requirements.txt": "", "app.py": ""})
)

// lines returns the lines of a runtime file that are no comments, without the comments at their ends.
func lines(data []byte) string {
	var all []string
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(strings.TrimRight(line, "\n"), " # ")
		if line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return strings.Join(all, "\n")
}

// build is the beginning of a Dockerfile with a build command.
const build = "FROM debian:bookworm\nWORKDIR /app\nCOPY . .\n"

// built returns the lines of a runtime file with a build command.
func built(command string) string { return "base: debian:bookworm\nbuild: " + command }

// TestFields: what of a Dockerfile becomes which line. Each file loads.
func TestFields(t *testing.T) {
	tests := []struct {
		name, dockerfile string
		project          fstest.MapFS
		want             string
	}{
		{"nothing but what is found", "FROM debian:bookworm\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nCMD [\"node\", \"server.js\"]\n", npmProject, "base: debian:bookworm"},
		{"a version of Node.js", "FROM node:20-slim\nCOPY . .\n", npmProject, "base: node:20-slim\nruntime: {node: 20}"},
		{"a name for no version", "FROM node:lts\n", npmProject, "base: node:lts"},
		{"a base in an argument", "ARG TAG=bookworm\nFROM debian:${TAG}\n", npmProject, "base: debian:bookworm"},
		{"the last stage, and what another one builds", "FROM node:22 AS build\nRUN apt-get update && apt-get install -y g++ git\nWORKDIR /app\nCOPY . /app\nRUN npm ci && npm run build\n" +
			"FROM node:22-slim\nRUN apt-get update && apt-get install -y --no-install-recommends git=1:2.39 tini && rm -rf /var/lib/apt/lists/*\nCOPY --from=build /app /app\n", npmProject,
			"base: node:22-slim\npackages: ['git=1:2.39', tini]\nbuild: {packages: [g++, git], run: [npm, run, build]}"},
		{"a stage on a stage", "FROM debian:bookworm AS base\nENV A=1\nRUN apt-get install -y git\nFROM base\nENV B=$A-2\n", npmProject,
			"base: debian:bookworm\npackages: [git]\nenv:\n    A: \"1\"\n    B: 1-2"},
		{"a build that is found", "FROM debian:bookworm\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build && npm prune --omit=dev\nCMD [\"npm\", \"start\"]\n", typescript, "base: debian:bookworm"},
		{"the start script by another manager's name", "FROM debian:bookworm\nCMD yarn start\n", typescript, "base: debian:bookworm"},
		{"virtual packages of apk", "FROM alpine:3.20\nRUN apk add --no-cache --virtual .build-deps g++ make && apk add git && apk del .build-deps\n", npmProject,
			"base: alpine:3.20\npackages: [git]\nbuild: {packages: [g++, make]}"},
		{"packages that go again", "FROM debian:bookworm\nRUN apt-get install -y gcc curl && apt-get purge -y gcc\n", npmProject,
			"base: debian:bookworm\npackages: [curl]\nbuild: {packages: [gcc]}"},
		{"the project's program", "FROM debian:bookworm\nENTRYPOINT [\"mcp-notes\"]\nCMD [\"--stdio\"]\n", npmProject, "base: debian:bookworm\nentrypoint: [node, cli.js]\ncmd: [--stdio]"},
		{"a program of the environment", "FROM python:3.12-slim\nWORKDIR /app\nCOPY . /app\nRUN uv sync --frozen --no-dev\nENV PATH=\"/app/.venv/bin:$PATH\"\nENTRYPOINT [\"/app/.venv/bin/mcp-clock\", \"--utc\"]\n", uvProject,
			"base: python:3.12-slim\nentrypoint: [mcp-clock, --utc]"},
		{"uv run", "FROM python:3.12-slim\nCMD [\"uv\", \"run\", \"--no-dev\", \"mcp-clock\"]\n", uvProject, "base: python:3.12-slim"},
		{"uv run of a module", "FROM python:3.12-slim\nCMD [\"uv\", \"run\", \"--directory\", \"/app\", \"-m\", \"mcp_clock\"]\n", uvProject, "base: python:3.12-slim\ncmd: [python, -m, mcp_clock]"},
		{"optional dependencies", "FROM python:3.12-slim\nRUN uv sync --frozen --extra wpad --extra=x\n", uvExtras, "base: python:3.12-slim\ndependencies: {extras: [wpad, x]}"},
		{"pip's own file", "FROM python:3.12\nWORKDIR /srv\nCOPY deploy/requirements.txt .\nRUN pip install --no-cache-dir -r deploy/requirements.txt\n", pipProject,
			"base: python:3.12\ndependencies: {files: [deploy/requirements.txt]}"},
		{"paths below the directory of the project", "FROM debian:bookworm\nWORKDIR /srv/bot\nCOPY . .\nENV CONFIG=/srv/bot/config.json HOME=/data\nCMD [\"node\", \"/srv/bot/cli.js\"]\n", npmProject,
			"base: debian:bookworm\nenv:\n    CONFIG: /agent/code/config.json\n    HOME: /data\ncmd: [node, cli.js]"},
		{"a command for the shell", "FROM debian:bookworm\nCMD node cli.js --port $PORT\n", npmProject, "base: debian:bookworm\ncmd: [sh, -c, node cli.js --port $PORT]"},
		{"a command that needs no shell", "FROM debian:bookworm\nCMD exec node cli.js \"--name=a b\"\n", npmProject, "base: debian:bookworm\ncmd: [node, cli.js, --name=a b]"},
		{"another working directory", "FROM debian:bookworm\nWORKDIR /app\nCOPY . .\nWORKDIR /data\n", npmProject, "base: debian:bookworm\nworkdir: /data"},
		{"a user by name", "FROM debian:bookworm\nRUN groupadd -g 1500 bot && useradd -r -u 1500 -g bot bot\nUSER bot\n", npmProject, "base: debian:bookworm\nuser: {gid: 1500, name: bot, uid: 1500}"},
		{"a user by number", "FROM debian:bookworm\nUSER 10001:10002\n", npmProject, "base: debian:bookworm\nuser: {gid: 10002, uid: 10001}"},
		{"the user that is the default", "FROM debian:bookworm\nUSER 1000\n", npmProject, "base: debian:bookworm"},
		{"root", "FROM debian:bookworm\nUSER 0\n", npmProject, "base: debian:bookworm\nuser: root"},
		{"the configuration", "FROM debian:bookworm\nARG PORT=8080\nEXPOSE $PORT 53/udp 9000-9001\nHEALTHCHECK --interval=5s --retries=2 CMD node health.js || exit 1\nSTOPSIGNAL SIGINT\nVOLUME [\"/data\"]\n", npmProject,
			"base: debian:bookworm\nexpose: [8080, 53/udp, 9000, 9001]\nhealthcheck: {interval: 5s, retries: 2, run: node health.js || exit 1}\nstopSignal: SIGINT\nvolumes: [/data]"},
		{"a check as a list", "FROM debian:bookworm\nWORKDIR /app\nCOPY . .\nHEALTHCHECK CMD [\"node\", \"/app/health.js\"]\n", npmProject, "base: debian:bookworm\nhealthcheck: {run: [node, health.js]}"},
		{"no check", "FROM debian:bookworm\nHEALTHCHECK NONE\n", npmProject, "base: debian:bookworm\nhealthcheck: none"},
		{"a script in a here-document", "FROM debian:bookworm\nRUN <<EOF\nset -e\napt-get update\napt-get install -y jq\nEOF\n", npmProject, "base: debian:bookworm\npackages: [jq]"},
		{"variables of installers", "FROM debian:bookworm\nENV DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1\n", npmProject, "base: debian:bookworm"},
		{"an argument of the build", "FROM debian:bookworm\nARG COMMIT\nARG TARGETARCH\nRUN npm run bundle\n", npmProject, "base: debian:bookworm\nbuild: [npm, run, bundle]\nargs: [COMMIT]"},
		{"no Dockerfile", "", npmProject, "base: debian:bookworm"},
		{"a value in a build command", build + "ARG TARGET=server\nRUN npm run build:$TARGET\n", npmProject, built("{env: {TARGET: server}, run: [npm, run, 'build:server']}")},
		{"quotes in a build command", build + "RUN npm run \"build\" > /dev/null\n", npmProject, built("[npm, run, build]")},
		{"a long build command", build + "RUN npm run bundle -- " + strings.Repeat("--external:package ", 20) + "'a b'\n", npmProject,
			built("[npm, run, bundle, --, " + strings.Repeat("'--external:package', ", 20) + "a b]")},
		{"several build commands", build + "RUN A='x y' npm run one && npm run \"two\" -- 'a b'\n", npmProject, built("A='x y' npm run one && npm run two -- 'a b'")},
		{"a command in a directory that it leaves", build + "RUN (cd ui && true) && npm run bundle\n", npmProject, built("[npm, run, bundle]")},
		{"CMD before ENTRYPOINT", "FROM debian:bookworm\nCMD [\"--stdio\"]\nENTRYPOINT [\"node\", \"cli.js\"]\n", npmProject, "base: debian:bookworm\nentrypoint: [node, cli.js]\ncmd: [--stdio]"},
		{"CMD of a parent", "FROM debian:bookworm AS a\nCMD [\"--stdio\"]\nFROM a\nENTRYPOINT [\"node\", \"cli.js\"]\n", npmProject, "base: debian:bookworm\nentrypoint: [node, cli.js]"},
		{"a stage's project, without a working directory", "FROM debian:bookworm AS b\nWORKDIR /app\nCOPY . .\nFROM debian:bookworm\nCOPY --from=b /app /app\nCMD [\"node\", \"/app/cli.js\"]\n", npmProject, "base: debian:bookworm\ncmd: [node, cli.js]"},
		{"files, without a working directory", "FROM debian:bookworm\nCOPY package.json cli.js /srv/\nENV A=/srv/x\nCMD [\"node\", \"/srv/cli.js\"]\n", npmProject, "base: debian:bookworm\nenv:\n    A: /agent/code/x\ncmd: [node, cli.js]"},
		{"a working directory below", "FROM debian:bookworm\nCOPY . /app\nWORKDIR /app/dist\nCMD [\"node\", \"index.js\"]\n", npmProject, "base: debian:bookworm\ncmd: [node, index.js]\nworkdir: /agent/code/dist"},
		{"what a build makes, elsewhere", "FROM debian:bookworm AS b\nWORKDIR /app\nCOPY . .\nRUN npm run build\nFROM debian:bookworm\nWORKDIR /app\nCOPY package*.json ./\nCOPY --from=b /app/dist .\nCMD [\"node\", \"index.js\"]\n", typescript, "base: debian:bookworm"},
		{"a part of the project, elsewhere", "FROM debian:bookworm\nWORKDIR /app\nCOPY package*.json ./\nCOPY src/ ./\nCMD [\"node\", \"index.js\", \"other.js\"]\n", sources, "base: debian:bookworm\ncmd: [node, src/index.js, other.js]"},
		{"Next.js' standalone server", "FROM debian:bookworm AS b\nWORKDIR /app\nCOPY . .\nRUN npm run build\nFROM debian:bookworm\nWORKDIR /app\nCOPY --from=b /app/.next/standalone ./\nCMD HOSTNAME=0.0.0.0 node server.js\n", typescript,
			"base: debian:bookworm\nbuild: [npm, run, build]\ncmd: [env, HOSTNAME=0.0.0.0, node, .next/standalone/server.js]"},
		{"paths in texts", "FROM debian:bookworm\nWORKDIR /app\nCOPY . .\nENV NODE_PATH=/app/lib:/app/more OTHER=/application:/x/app\nVOLUME /app/data\nHEALTHCHECK CMD node /app/health.js\nCMD node /app/cli.js --config=/app/c.json >> /app/log\n", npmProject,
			"base: debian:bookworm\nenv:\n    NODE_PATH: /agent/code/lib:/agent/code/more\n    OTHER: /application:/x/app\ncmd: [sh, -c, node /agent/code/cli.js --config=/agent/code/c.json >> /agent/code/log]\nhealthcheck: {run: node /agent/code/health.js}\nvolumes: [/agent/code/data]"},
		{"a variable for a command", "FROM debian:bookworm\nCMD PORT='8 0' exec node cli.js\n", npmProject, "base: debian:bookworm\ncmd: [env, PORT=8 0, node, cli.js]"},
		{"a moved file in a line for a shell", "FROM debian:bookworm\nWORKDIR /app\nCOPY package*.json ./\nCOPY src/ ./\nCMD node index.js | tee log\n", sources, "base: debian:bookworm\ncmd: [sh, -c, node /agent/code/src/index.js | tee log]"},
		{"variables of a build", "FROM debian:bookworm AS b\nWORKDIR /app\nCOPY . .\nENV VITE_API_URL=/api\nARG MODE=prod\nRUN npm run bundle\nFROM debian:bookworm\nCOPY --from=b /app /app\n", npmProject, built("{env: {MODE: prod, VITE_API_URL: /api}, run: [npm, run, bundle]}")},
		{"variables of the installation", "FROM debian:bookworm AS b\nENV NPM_CONFIG_REGISTRY=https://npm.example.com/\nFROM b\nENV PUPPETEER_SKIP_DOWNLOAD=true NPM_CONFIG_LOGLEVEL=warn PORT=80\n", npmProject,
			"base: debian:bookworm\ndependencies: {env: {NPM_CONFIG_REGISTRY: 'https://npm.example.com/', PUPPETEER_SKIP_DOWNLOAD: \"true\"}}\nenv:\n    PORT: \"80\""},
		{"options of the installation", "FROM debian:bookworm\nRUN CYPRESS_INSTALL_BINARY=0 npm ci --omit=dev --legacy-peer-deps --no-bin-links --registry https://npm.example.com/ --no-audit\n", npmProject,
			"base: debian:bookworm\ndependencies: {env: {CYPRESS_INSTALL_BINARY: \"0\", npm_config_bin_links: \"false\", npm_config_legacy_peer_deps: \"true\", npm_config_registry: 'https://npm.example.com/'}}"},
		{"a user of Debian", "FROM debian:bookworm\nRUN addgroup --system --gid 1001 nodejs\nRUN adduser --system --uid=1002 nextjs\nUSER nextjs:nodejs\n", npmProject, "base: debian:bookworm\nuser: {gid: 1001, name: nextjs, uid: 1002}"},
		{"a user of Alpine", "FROM alpine:3.20\nRUN addgroup -g 1001 -S app && adduser -S -D -u 1002 -G app bot\nUSER bot\n", npmProject, "base: alpine:3.20\nuser: {gid: 1001, name: bot, uid: 1002}"},
		{"a script by another manager", "FROM debian:bookworm\nCMD [\"pnpm\", \"start:prod\", \"--port\", \"1\"]\n", scripts, "base: debian:bookworm\ncmd: [node, dist/main.js, --port, \"1\"]"},
		{"a script that needs a shell", "FROM debian:bookworm\nCMD npm run serve -- --port 1\n", scripts, "base: debian:bookworm\ncmd: [npm, --silent, run, serve, --, --port, \"1\"]"},
		{"the start script below an init program", "FROM debian:bookworm\nENTRYPOINT [\"/usr/bin/tini\", \"--\"]\nCMD [\"npm\", \"start\"]\n", typescript, "base: debian:bookworm\nentrypoint: [/usr/bin/tini, --]\ncmd: [node, dist/index.js]"},
		{"a script of the project, elsewhere", "FROM debian:bookworm\nWORKDIR /app\nCOPY cli.js /usr/local/bin/\nENTRYPOINT [\"cli.js\"]\n", npmProject, "base: debian:bookworm\nentrypoint: [./cli.js]"},
		{"distroless", "FROM gcr.io/distroless/nodejs20-debian12\nCOPY . /app\nWORKDIR /app\nCMD [\"cli.js\"]\n", npmProject, "base: debian:bookworm\nruntime: {node: 20}\ncmd: [node, cli.js]"},
		{"only one bad package", "FROM debian:bookworm\nRUN apt-get install -y git ./x.deb jq\n", npmProject, "base: debian:bookworm\npackages: [git, jq]"},
		{"versions that are printed", "FROM debian:bookworm\nRUN npm --version && yarn --version\n", npmProject, "base: debian:bookworm"},
		{"requirements, elsewhere", "FROM python:3.12\nCOPY deploy/requirements.txt /tmp/\nRUN pip install -r /tmp/requirements.txt\n", pipProject, "base: python:3.12\ndependencies: {files: [deploy/requirements.txt]}"},
		{"a default in a line for the shell", "FROM debian:bookworm\nCMD node cli.js --port ${PORT:-80}\n", npmProject, "base: debian:bookworm\ncmd: [sh, -c, 'node cli.js --port ${PORT:-80}']"},
		{"a file beside the project", "FROM debian:bookworm\nCOPY cli.js /\nCOPY . /app\nWORKDIR /app\nENTRYPOINT [\"/cli.js\"]\n", npmProject, "base: debian:bookworm\nentrypoint: [./cli.js]"},
		{"a file beside parts of the project", "FROM debian:bookworm\nCOPY cli.js /\nWORKDIR /app\nCOPY package*.json server.js ./\nENTRYPOINT [\"/cli.js\"]\nCMD [\"/app/server.js\"]\n", npmProject, "base: debian:bookworm\nentrypoint: [./cli.js]\ncmd: [./server.js]"},
		{"commands without words", "FROM debian:bookworm\nRUN []\nRUN [\"\"]\nRUN A= npm run bundle\n", npmProject, built("A='' npm run bundle")},
		{"a build by another manager", build + "RUN yarn build --watch=false && pnpm run start:prod\n", scripts, built("npm run build -- '--watch=false' && npm run start:prod")},
		{"a file behind an option", build + "CMD [\"node\", \"--require\", \"/app/server.js\", \"/app/cli.js\"]\n", npmProject, "base: debian:bookworm\ncmd: [node, --require, /agent/code/server.js, cli.js]"},
		{"paths in options", "FROM debian:bookworm\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"cli.js\", \"--config=/app/c.json\"]\n", npmProject, "base: debian:bookworm\ncmd: [node, cli.js, --config=/agent/code/c.json]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var opts Options
			if test.dockerfile != "" {
				opts.Dockerfile = &projectfile.Text{Name: "Dockerfile", Data: []byte(test.dockerfile)}
			}
			made, err := Write(test.project, opts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, lines(made.Data)); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, made.Data)
			}
			if _, err := profile.Load(test.project, profile.Options{Data: made.Data, From: options.Flags}); err != nil {
				t.Errorf("the file does not load: %v", err)
			}
		})
	}
}

// TestLeft: what has no equivalent is listed, with its line and the reason.
func TestLeft(t *testing.T) {
	tests := []struct{ name, instructions, text, reason string }{
		{"a pipeline", "RUN curl -fsSL https://example.com/setup | bash -", "line 2: curl -fsSL https://example.com/setup | bash -", "a pipeline"},
		{"a condition", "RUN if [ -f x ]; then apt-get install -y git; fi", "line 2: if [ -f x ]; then apt-get install -y git; fi", "a condition"},
		{"one command of several", "RUN apt-get install -y git && \\\n    git lfs install --system", "line 2: git lfs install --system", "as root"},
		{"a global program", "RUN npm install -g typescript", "line 2: npm install -g typescript", "add them to the dependencies in package.json"},
		{"a package that no lock file has", "RUN pip install 'requests==2.0'", "line 2: pip install 'requests==2.0'", "so that the lock file has it"},
		{"another directory", "RUN cd ui && npm run build", "line 2: npm run build", "it runs in the directory ui"},
		{"a workspace", "RUN npm run build -w packages/a", "line 2: npm run build -w packages/a", "a part of the project"},
		{"a download", "ADD https://example.com/x.tar.gz /opt/", "line 2: ADD https://example.com/x.tar.gz /opt/", "tools"},
		{"files of another image", "COPY --from=busybox:1 /bin/busybox /bin/", "line 2: COPY --from=busybox:1 /bin/busybox /bin/", "take busybox:1 as base"},
		{"a file elsewhere", "WORKDIR /app\nCOPY entry.sh /usr/local/bin/", "line 3: COPY entry.sh /usr/local/bin/", "PREFIX/code"},
		{"an argument without a default", "ARG COMMIT\nENV VERSION=$COMMIT", "line 3: ENV VERSION=$COMMIT", "without a default"},
		{"a label", "LABEL a=b", "line 2: LABEL a=b", "--label"},
		{"a trigger", "ONBUILD RUN true", "line 2: ONBUILD RUN true", "no ONBUILD"},
		{"a shell", "SHELL [\"/bin/bash\", \"-c\"]", "line 2: SHELL [\"/bin/bash\", \"-c\"]", "/bin/sh"},
		{"a secret", "ENV API_TOKEN=0123456789abcdef", "line 2: ENV API_TOKEN=0123456789abcdef", "pass it to the agent at run time"},
		{"a path", "ENV PATH=/opt/tool/bin:$PATH", "line 2: ENV PATH=/opt/tool/bin:$PATH", "PATH cannot be set"},
		{"checks", "RUN npm run lint", "line 2: npm run lint", "no checks of the source"},
		{"a volume over the project", "VOLUME /agent", "volumes: [/agent] (VOLUME, line 2 of Dockerfile)", "would hide the runtime"},
		{"a lock file that is not there", "RUN pnpm install", "dependencies: {manager: pnpm} (RUN, line 2 of Dockerfile)", "pnpm-lock.yaml is missing"},
		{"a stage that nothing needs", "FROM debian:bookworm", "line 1: FROM debian:bookworm", "the last stage takes nothing"},
		{"a command in the background", "RUN npm run build &", "line 2: npm run build &", "in the background"},
		{"a command that must fail", "RUN ! npm run build", "line 2: ! npm run build", "must fail"},
		{"output of several commands", "RUN { npm run build; } > /log", "line 2: { npm run build; } > /log", "writes to a file"},
		{"a pattern", "RUN npx tsc src/*.ts", "line 2: npx tsc src/*.ts", "needs a shell"},
		{"a command of pnpm", "RUN pnpm deploy --prod /prod/app", "line 2: pnpm deploy --prod /prod/app", "pnpm deploy has no equivalent"},
		{"a file of another stage's own", "WORKDIR /src\nFROM debian:bookworm\nCOPY --from=0 /ffmpeg /usr/local/bin/", "line 4: COPY --from=0 /ffmpeg /usr/local/bin/", "only the project's directory"},
		{"what a build makes, for another program", "WORKDIR /app\nCOPY . .\nFROM debian:bookworm\nCOPY --from=0 /app/dist /usr/share/nginx/html", "line 5: COPY --from=0 /app/dist /usr/share/nginx/html", "PREFIX/code"},
		{"a part of the project, elsewhere", "WORKDIR /app\nCOPY package.json ./\nCOPY server/ ./", "line 4: COPY server/ ./", "PREFIX/code/server"},
		{"a command in another working directory", "COPY ui/package.json /repo/ui/\nWORKDIR /repo/ui\nRUN npm ci", "line 4: npm ci", "in the directory ui"},
		{"a secret of a command", "RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci", "line 2: --mount=type=secret,id=npmrc", "--secret id=npmrc"},
		{"a package in a file", "RUN apt-get install -y git ./x.deb", "line 2: install ./x.deb", "by their names"},
		{"a user that is a variable", "USER ${UID:-1001}:${GID}", "line 2: USER ${UID:-1001}:${GID}", "write the value"},
		{"a program that the image lacks", `CMD ["bun", "run", "index.ts"]`, "line 2: CMD bun run index.ts", "the image has no bun"},
		{"a program that the image lacks, in a line", `CMD node x.js; exec pnpm serve`, "line 2: CMD sh -c node x.js; exec pnpm serve", "the image has no pnpm"},
		{"optional dependencies", "RUN npm ci --omit=optional", "line 2: --omit=optional", "leaves out optional"},
		{"lines of a comment's own", "RUN frob \\\n  a: b", "line 2: frob a: b", "as root"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			made, err := Write(npmProject, Options{Dockerfile: &projectfile.Text{Name: "Dockerfile", Data: []byte("FROM debian:bookworm\n" + test.instructions + "\n")}})
			if err != nil {
				t.Fatal(err)
			}
			_, after, found := strings.Cut(string(made.Data), "#   "+test.text+"\n#       ")
			if reason, _, _ := strings.Cut(after, "\n"); !found || !strings.Contains(reason, test.reason) || made.Left != 1 {
				t.Errorf("%d left, %q is not there with %q:\n%s", made.Left, test.text, test.reason, made.Data)
			}
		})
	}
}

// TestLeftBesides: parts that are left besides others, or only in some projects.
func TestLeftBesides(t *testing.T) {
	tests := []struct {
		name, dockerfile string
		project          fstest.MapFS
		want             string
	}{
		{"an index of pip", "FROM python:3.12\nRUN pip install --index-url https://pypi.example.com/ -r requirements.txt\n", pipProject, "line 2: pip install --index-url\n#       write the option into the requirements file"},
		{"the mode of a script, elsewhere", "FROM debian:bookworm\nCOPY cli.js /usr/bin/\nRUN chmod +x /usr/bin/cli.js\n", npmProject, "line 3: chmod +x /usr/bin/cli.js\n#       files keep their modes"},
		{"a secret of a build", "FROM debian:bookworm AS b\nENV API_TOKEN=0123456789abcdef\nRUN npm run bundle\nFROM debian:bookworm\nCOPY --from=b /app /app\n", npmProject, "line 2: ENV API_TOKEN=0123456789abcdef\n#       a build records variables"},
		{"a secret in another file", "FROM debian:bookworm\nRUN --mount=type=secret,id=login,target=/root/.npmrc --mount=type=secret,id=key npm ci\n", npmProject,
			"line 2: --mount=type=secret,id=login\n#       no field names secrets: give --secret id=npmrc,src=FILE to solve\n#   line 2: --mount=type=secret,id=key\n#       steps get logins only in files"},
		{"a secret argument", "FROM debian:bookworm\nARG NPM_TOKEN\nRUN npm run bundle\n", npmProject, "line 2: ARG NPM_TOKEN\n#       a build records arguments: steps get logins only in files"},
		{"a file beside the project", "FROM debian:bookworm\nCOPY cli.js /\nCOPY . /app\n", npmProject, "line 2: COPY cli.js /cli.js\n#       the image has all files of the project in PREFIX/code"},
		{"a directory of a stage", "FROM debian:bookworm AS b\nCOPY . /repo\nWORKDIR /repo/ui\nRUN npm run bundle\nFROM debian:bookworm\nCOPY --from=b /repo /repo\n", npmProject, "line 4: npm run bundle\n#       it runs in the directory ui"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			made, err := Write(test.project, Options{Dockerfile: &projectfile.Text{Name: "Dockerfile", Data: []byte(test.dockerfile)}})
			if err != nil || !strings.Contains(string(made.Data), "#   "+test.want) {
				t.Errorf("%v, want %q in:\n%s", err, test.want, made.Data)
			}
		})
	}
}

// TestChoices: a project with several lock files gets a line that decides, with the other choices in its comment.
func TestChoices(t *testing.T) {
	files := map[string]string{"package.json": "{}", "package-lock.json": "{}", "pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}
	both := map[string]string{"package.json": "{}", "package-lock.json": "{}", "requirements.txt": ""}
	tests := []struct {
		name, dockerfile string
		files            map[string]string
		want             string
	}{
		{"managers", "", files, "dependencies: {manager: npm} # package-lock.json and pnpm-lock.yaml are there: choose npm or pnpm"},
		{"the manager of the Dockerfile", "FROM debian:bookworm\nRUN pnpm install --frozen-lockfile\n", files, "dependencies: {manager: pnpm} # RUN, line 2 of Dockerfile"},
		{"profiles", "", both, "profile: node # package-lock.json and requirements.txt are there: choose node or python"},
		{"the profile of the Dockerfile", "FROM python:3.12\nRUN pip install -r requirements.txt\n", both, "profile: python # RUN, line 2 of Dockerfile"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var opts Options
			if test.dockerfile != "" {
				opts.Dockerfile = &projectfile.Text{Name: "Dockerfile", Data: []byte(test.dockerfile)}
			}
			made, err := Write(project(test.files), opts)
			if err != nil || !strings.Contains(string(made.Data), "\n"+test.want+"\n") {
				t.Errorf("%v, want %q in:\n%s", err, test.want, made.Data)
			}
		})
	}
}

// TestFaults checks the errors for files that cannot be read.
func TestFaults(t *testing.T) {
	tests := []struct {
		name, dockerfile string
		project          fstest.MapFS
		want             string
	}{
		{"no Dockerfile", "RUN x\n", npmProject, "Dockerfile:1: not a valid Dockerfile"},
		{"an unknown instruction", "FROM a\nRUM x\n", npmProject, "unknown instruction: RUM"},
		{"only arguments", "ARG A=1\n", npmProject, "Dockerfile: it has no FROM"},
		{"no lock file", "FROM a\n", project(map[string]string{"package.json": "{}"}), "package-lock.json is missing: write it with: npm install --package-lock-only"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Write(test.project, Options{Dockerfile: &projectfile.Text{Name: "Dockerfile", Data: []byte(test.dockerfile)}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

// FuzzDockerfile: whatever a Dockerfile says, the file that is made of it loads.
func FuzzDockerfile(f *testing.F) {
	f.Add("FROM node:22 AS a\nRUN npm ci && npm run build\nFROM debian\nCOPY --from=a /x /y\nENV A=$B C='\nd: e'\nCMD x \"y\n")
	f.Fuzz(func(t *testing.T, dockerfile string) {
		made, err := Write(npmProject, Options{Dockerfile: &projectfile.Text{Name: "Dockerfile", Data: []byte(dockerfile)}})
		if err != nil {
			return
		}
		if _, err := profile.Load(npmProject, profile.Options{Data: made.Data, From: options.Flags}); err != nil {
			t.Errorf("%v:\n%s", err, made.Data)
		}
	})
}
