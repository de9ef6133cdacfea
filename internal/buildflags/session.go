package buildflags

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	buildctl "github.com/moby/buildkit/cmd/buildctl/build"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/sshforward"
	"github.com/moby/buildkit/session/sshforward/sshprovider"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/trust"
	"github.com/rtbuild/rtbuild/llb"
)

// attachables returns what steps may request from the session: secrets and SSH agents. The CA bundle is a secret of every step.
func attachables(o *Options, caFile string, warn func(string)) ([]session.Attachable, error) {
	secrets := o.Secrets
	bundle, err := trust.Bundle(caFile)
	if err != nil {
		return nil, err
	}
	if bundle != "" {
		field := `"src=` + strings.ReplaceAll(bundle, `"`, `""`) + `"` // a path may hold a comma
		secrets = append([]string{"id=" + llb.SecretCA + "," + field}, secrets...)
	}
	provider, err := buildctl.ParseSecret(secrets)
	if err != nil {
		return nil, &options.Error{Source: options.Flags.Name(options.Secret), Secret: true, Err: err}
	}
	all := []session.Attachable{provider}
	if len(o.SSH) == 0 {
		return all, nil
	}
	agents, err := sshAgents(o.SSH, warn)
	return append(all, agents), err
}

// sshAgents returns the SSH agents and keys for steps. rtbuild's steps use the one named default.
func sshAgents(values []string, warn func(string)) (session.Attachable, error) {
	for _, value := range values {
		if _, err := sshAgent(value); err != nil {
			return nil, options.Flags.Invalid(options.SSH, value, err)
		}
	}
	text := strings.Join(values, " ")
	configs, err := buildctl.ParseSSH(values)
	if err != nil {
		return nil, options.Flags.Invalid(options.SSH, text, err)
	}
	for _, c := range configs {
		if c.ID != "" && c.ID != sshforward.DefaultID {
			warn(fmt.Sprintf("--ssh %s is not used: steps ask for %s only", c.ID, sshforward.DefaultID))
		}
	}
	provider, err := sshprovider.NewSSHAgentProvider(configs)
	if err != nil { // two values with one name
		return nil, options.Flags.Invalid(options.SSH, text, err)
	}
	return provider, nil
}

// sshAgent returns the agent or keys of one value of --ssh.
func sshAgent(value string) (session.Attachable, error) {
	configs, err := buildctl.ParseSSH([]string{value})
	if err != nil {
		return nil, err
	}
	agent, err := sshprovider.NewSSHAgentProvider(configs)
	if err != nil {
		return nil, fmt.Errorf("%w; start an agent (SSH_AUTH_SOCK), or name a socket or key: default=FILE", cause(err))
	}
	return agent, nil
}

// cause returns the error of a file in err's chain, else the innermost error. BuildKit's wrappers print its structs.
func cause(err error) error {
	var file *fs.PathError
	if errors.As(err, &file) {
		return file
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}
