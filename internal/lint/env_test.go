package lint

import (
	"strings"
	"testing"
)

// TestSecretsOfTheBuild: a step's variables and build arguments are recorded, too.
func TestSecretsOfTheBuild(t *testing.T) {
	for _, lines := range []string{
		"args: [NPM_TOKEN]", "dependencies: {env: {NPM_TOKEN: HUNTER2HUNTER2}}", "build: {run: make, env: {NPM_TOKEN: HUNTER2HUNTER2}}",
	} {
		t.Run(lines, func(t *testing.T) {
			project := node("runtime.yaml", "base: "+pinned+"\n"+lines+"\n")
			got := strings.Join(inLines(secrets(Input{Runtime: load(t, project), Project: project})), "\n")
			if !strings.Contains(got, "NPM_TOKEN") || !strings.Contains(got, "a build records it in its provenance") || strings.Contains(got, "HUNTER2") {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestSecretsInEnv(t *testing.T) {
	long := strings.Repeat("aB3", 14)
	tests := []struct {
		name, value string
		found       bool
	}{
		{"GH", "ghp_" + long, true},
		{"HEADER", "Bearer sk-" + long, true},
		{"KEY", "AKIA" + strings.Repeat("A", 16), true},
		{"REGISTRY", "npm_" + long, true},
		{"OPENAI_API_KEY", "HUNTER2HUNTER2", true},
		{"db_password", "HUNTER2HUNTER2", true},
		{"TOKEN", "HUNTER2HUNTER2", true},
		{"MAX_TOKENS", "100000000", false},
		{"API_KEY", "none", false},
		{"API_KEY_FILE", "/run/secrets/api-key", false},
		{"TASK", "task-" + long, false},
		{"LANG", "C.UTF-8", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := node("runtime.yaml", "base: "+pinned+"\nenv:\n  "+test.name+": \""+test.value+"\"\n")
			got := strings.Join(inLines(secrets(Input{Runtime: load(t, project), Project: project})), "\n")
			if (got != "") != test.found || test.found && !strings.HasPrefix(got, "runtime.yaml SecretInSource: the variable "+test.name+" looks like a secret") {
				t.Errorf("got %q", got)
			}
			if strings.Contains(got, test.value) {
				t.Errorf("the value is shown: %s", got)
			}
		})
	}
}
