package lint

import (
	"strings"
	"testing"
)

func TestInstallVariables(t *testing.T) {
	tests := []struct{ name, yaml, want string }{
		{"a setting of npm", "env: {npm_config_build_from_source: true}", "npm_config_build_from_source"},
		{"a browser left out", "env: {PUPPETEER_SKIP_DOWNLOAD: 1, LOG_LEVEL: info}", "PUPPETEER_SKIP_DOWNLOAD"},
		{"a browser left out, by Playwright's name", "env: {PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: 1}", "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD"},
		{"at its place", "dependencies: {env: {npm_config_build_from_source: true}}", ""},
		{"of the agent", "env: {UVICORN_PORT: 1, PIPELINE: a, NODE_ENV: production}", ""},
		{"development dependencies", "env: {NODE_ENV: development}", "NODE_ENV"},
		{"development dependencies, at both places", "env: {NODE_ENV: development}\ndependencies: {env: {NODE_ENV: development}}", ""},
		{"libuv's", "env: {UV_THREADPOOL_SIZE: 64}", ""},
		{"uv's", "env: {UV_INDEX_URL: a}", "UV_INDEX_URL"},
		{"nothing is installed", "env: {PIP_INDEX_URL: a}\ndependencies: {manager: none}", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := node("runtime.yaml", "base: "+pinned+"\n"+test.yaml+"\n")
			got := strings.Join(inLines(installVariables(Input{Runtime: load(t, project), Project: project})), "\n")
			if (got != "") != (test.want != "") || !strings.Contains(got, " does not see "+test.want) && test.want != "" {
				t.Errorf("got %q, want one of %q", got, test.want)
			}
		})
	}
}
