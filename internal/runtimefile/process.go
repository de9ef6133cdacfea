package runtimefile

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"go.yaml.in/yaml/v3"
)

// stopSignal matches the name or number of a signal.
var stopSignal = regexp.MustCompile(`^(SIG[A-Z]+[0-9]*([+-][0-9]+)?|[1-9][0-9]?)$`)

// healthFields are the fields of "healthcheck". Those but run are docker's.
var healthFields = fields[dockerspec.HealthcheckConfig]{
	"run": func(d *document, n *yaml.Node, h *dockerspec.HealthcheckConfig) error {
		words, err := commandLine(d, n, "the command of a health check")
		if h.Test = append([]string{"CMD"}, words...); err == nil && resolve(n).Kind == yaml.ScalarNode {
			h.Test = []string{"CMD-SHELL", words[2]}
		}
		return err
	},
	"interval":      durationField(func(h *dockerspec.HealthcheckConfig) *time.Duration { return &h.Interval }),
	"timeout":       durationField(func(h *dockerspec.HealthcheckConfig) *time.Duration { return &h.Timeout }),
	"startPeriod":   durationField(func(h *dockerspec.HealthcheckConfig) *time.Duration { return &h.StartPeriod }),
	"startInterval": durationField(func(h *dockerspec.HealthcheckConfig) *time.Duration { return &h.StartInterval }),
	"retries": func(d *document, n *yaml.Node, h *dockerspec.HealthcheckConfig) (err error) {
		h.Retries, err = d.integer(n, "retries", 1, 1000)
		return err
	},
}

// durationField reads a duration as docker does. docker refuses those below a millisecond.
func durationField(of func(*dockerspec.HealthcheckConfig) *time.Duration) func(*document, *yaml.Node, *dockerspec.HealthcheckConfig) error {
	return func(d *document, n *yaml.Node, h *dockerspec.HealthcheckConfig) error {
		text, err := d.str(n, "a duration")
		if err != nil {
			return err
		}
		value, err := time.ParseDuration(text)
		if err != nil || value < time.Millisecond {
			return d.errorAt(resolve(n), "write it as 30s or 1m30s", "the duration %q is not valid", text)
		}
		*of(h) = value
		return nil
	}
}

func setHealthcheck(d *document, n *yaml.Node, f *File) error {
	f.Healthcheck = &dockerspec.HealthcheckConfig{}
	if v := resolve(n); v.Kind == yaml.ScalarNode && v.Value == "none" {
		f.Healthcheck.Test = []string{"NONE"}
		return nil
	}
	if err := healthFields.read(d, n, "healthcheck", f.Healthcheck); err != nil {
		return err
	}
	if f.Healthcheck.Test == nil {
		return d.errorAt(n, "write run: COMMAND, or healthcheck: none", "healthcheck names no command")
	}
	return nil
}

func setVolumes(d *document, n *yaml.Node, f *File) error {
	err := d.list(n, "volumes", func(item *yaml.Node) error {
		dir, err := d.str(item, "a volume")
		f.Volumes = append(f.Volumes, dir)
		return d.check(item, err, checkVolume(dir))
	})
	slices.Sort(f.Volumes)
	f.Volumes = slices.Compact(f.Volumes)
	return err
}

func checkVolume(dir string) error {
	if !path.IsAbs(dir) || path.Clean(dir) != dir || dir == "/" {
		return fmt.Errorf("volume %q is not valid: write an absolute path without . and .. in it, such as /data", dir)
	}
	return nil
}
