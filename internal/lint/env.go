package lint

import (
	"maps"
	"regexp"
	"slices"
)

// tokenForm matches tokens that their issuers mark: GitHub, GitLab, npm, PyPI, OpenAI and Anthropic, AWS, Slack, Google; and private keys.
var tokenForm = regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{20}|github_pat_[A-Za-z0-9_]{20}|glpat-[\w-]{20}|npm_[A-Za-z0-9]{30}|pypi-[\w-]{30}|sk-[\w-]{20}|` +
	`(AKIA|ASIA)[A-Z0-9]{16}\b|xox[abprs]-[\w-]{10}|AIza[\w-]{30})|-----BEGIN [A-Z ]*PRIVATE KEY`)

// secretName matches names of variables whose values are secrets. MAX_TOKENS is none.
var secretName = regexp.MustCompile(`(?i)(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY)$`)

// shortestSecret is the length from which the value of a variable with such a name counts as a secret: shorter ones are placeholders.
const shortestSecret = 8

// LooksSecret reports whether a variable looks like a secret, by its name or by its value.
func LooksSecret(name, value string) bool {
	return tokenForm.MatchString(value) || secretName.MatchString(name) && len(value) >= shortestSecret
}

// secretsInEnv finds variables of the runtime file that look like secrets. Findings do not show the values, nor the file.
func secretsInEnv(in Input) []Finding {
	const pulled, recorded = "everybody who can pull the image could read it in the configuration", "a build records it in its provenance"
	all := in.secretsIn("env", in.Runtime.Env, pulled)
	all = append(all, in.secretsIn("dependencies.env", in.Runtime.Dependencies.Env, recorded)...)
	if b := in.Runtime.Build; b != nil {
		all = append(all, in.secretsIn("build.env", b.Env, recorded)...)
	}
	for _, name := range in.Runtime.Args {
		if secretName.MatchString(name) {
			all = append(all, SecretInSource.found(in.field("args"), "the build argument %s is named like a secret, and %s: pass it by --secret", name, recorded))
		}
	}
	return all
}

func (in Input) secretsIn(field string, env map[string]string, why string) []Finding {
	var all []Finding
	for _, name := range slices.Sorted(maps.Keys(env)) {
		value := env[name]
		if !LooksSecret(name, value) {
			continue
		}
		at := in.field(field + "." + name)
		at.Data = nil // it shows the value
		all = append(all, SecretInSource.found(at, "the variable %s looks like a secret, and %s: "+
			"remove it from %s, and pass it to the agent at run time; a step of the build gets it by --secret", name, why, field))
	}
	return all
}
