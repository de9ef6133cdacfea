// Package engine connects to a Docker engine, as the docker command does: by the contexts, variables, certificates and ssh
// connections of the user. An engine is a builder, because BuildKit is in it, and a store of images.
package engine

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/docker/cli/cli/command"
	dockercontext "github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/flags"
	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/moby/client"
	"github.com/sirupsen/logrus"
)

// Engine is a client of a Docker engine. Call Close to release its connections.
type Engine struct {
	Context string // name of the context that leads to the engine
	client.APIClient
}

// Open returns a client of the engine of a context; "" is the context that docker would use now. It makes no request. The error says
// that there is no such context, or that its files cannot be used.
func Open(name string) (*Engine, error) {
	docker, options, err := read(name)
	if err != nil {
		return nil, err
	}
	api, err := command.NewAPIClientFromFlags(options, docker.ConfigFile())
	if err != nil {
		return nil, fmt.Errorf("context %s of docker: %w", docker.CurrentContext(), err)
	}
	return &Engine{docker.CurrentContext(), api}, nil
}

// IsContext reports whether docker has a context of this name.
func IsContext(name string) bool {
	docker, _, err := read(name)
	if err != nil {
		return false
	}
	_, err = docker.ContextStore().GetMetadata(name)
	return err == nil
}

// IsChosen reports whether the user has chosen an engine: by DOCKER_HOST, DOCKER_CONTEXT or docker context use.
func IsChosen() bool {
	docker, _, err := read("")
	return err == nil && (docker.CurrentContext() != command.DefaultContextName || os.Getenv(client.EnvOverrideHost) != "")
}

// Endpoint returns the name by which buildx knows the engine of the current context: the context's name, or the address of the default
// context.
func Endpoint() string {
	docker, _, err := read("")
	if err != nil {
		return ""
	}
	if name := docker.CurrentContext(); name != command.DefaultContextName {
		return name
	}
	meta, err := docker.ContextStore().GetMetadata(command.DefaultContextName)
	if err != nil {
		return ""
	}
	endpoint, err := dockercontext.EndpointFromContext(meta)
	if err != nil {
		return ""
	}
	return endpoint.Host
}

// read reads docker's settings. It connects to nothing.
func read(name string) (*command.DockerCli, *flags.ClientOptions, error) {
	docker, err := command.NewDockerCli(command.WithErrorStream(io.Discard))
	if err != nil {
		return nil, nil, err
	}
	// Initialize sets the level of the log, which is not docker's alone here.
	options := &flags.ClientOptions{Context: name, LogLevel: logrus.GetLevel().String()}
	return docker, options, docker.Initialize(options)
}

// Ping returns an error if the engine does not answer.
func (e *Engine) Ping(ctx context.Context) error {
	_, err := e.APIClient.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	return err
}

// BuildKit returns the options that connect a client of BuildKit to the one in the engine.
func (e *Engine) BuildKit() []buildkit.ClientOpt {
	return []buildkit.ClientOpt{
		buildkit.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return e.DialHijack(ctx, "/grpc", "h2c", nil)
		}),
		buildkit.WithSessionDialer(func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
			return e.DialHijack(ctx, "/session", proto, meta)
		}),
	}
}
