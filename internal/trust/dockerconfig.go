package trust

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
)

// ErrNoHome means that nothing says where Docker's config directory is.
var ErrNoHome = errors.New("there is no Docker config directory")

// DockerDir returns Docker's config directory: that of DOCKER_CONFIG, else .docker in the home directory. The error wraps ErrNoHome.
//
// docker/cli's own function looks at the environment only once in a process.
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

// DockerConfig reads the config file in Docker's config directory. A file that does not exist is read as an empty one. The error wraps
// ErrNoHome, or says what is wrong in the file; its name is then in the result.
func DockerConfig() (*configfile.ConfigFile, error) {
	dir, err := DockerDir()
	if err != nil {
		return nil, err
	}
	return config.Load(dir)
}
