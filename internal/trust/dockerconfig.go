package trust

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
)

// ErrNoHome means that neither DOCKER_CONFIG nor a home directory is set.
var ErrNoHome = errors.New("there is no Docker config directory")

// DockerDir returns Docker's config directory: DOCKER_CONFIG, else .docker in the home directory. The error wraps ErrNoHome.
//
// The function in docker/cli reads the environment only once in a process.
func DockerDir() (string, error) {
	if dir := os.Getenv(config.EnvOverrideConfigDir); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoHome, err)
	}
	return filepath.Join(home, ".docker"), nil
}

// DockerConfig reads the config file in Docker's config directory. A missing file counts as an empty one. The error wraps
// ErrNoHome, or says what is wrong in the file. In the latter case the result still has the file's name.
func DockerConfig() (*configfile.ConfigFile, error) {
	dir, err := DockerDir()
	if err != nil {
		return nil, err
	}
	return config.Load(dir)
}
