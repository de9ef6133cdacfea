package runtimefile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestProcess reads what decides how containers run beside their command.
func TestProcess(t *testing.T) {
	type health = dockerspec.HealthcheckConfig
	for _, tt := range []struct {
		name, yaml string
		want       File
	}{
		{"none", "healthcheck: none", File{Healthcheck: &health{Test: []string{"NONE"}}}},
		{"a line", "healthcheck: {run: a || b}", File{Healthcheck: &health{Test: []string{"CMD-SHELL", "a || b"}}}},
		{"words", "healthcheck: {run: [a, 1], interval: 1m30s, timeout: 5s, startPeriod: 10s, startInterval: 500ms, retries: 2}", File{Healthcheck: &health{
			Test: []string{"CMD", "a", "1"}, Interval: 90 * time.Second, Timeout: 5 * time.Second, StartPeriod: 10 * time.Second, StartInterval: time.Second / 2, Retries: 2,
		}}},
		{"a signal", "stopSignal: SIGRTMIN+3", File{StopSignal: "SIGRTMIN+3"}},
		{"its number", "stopSignal: 9", File{StopSignal: "9"}},
		{"volumes", "volumes: [/data, /cache, /data]", File{Volumes: []string{"/cache", "/data"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse(Name, []byte(tt.yaml), known)
			projecttest.CheckError(t, err, "")
			f.document = nil
			if diff := cmp.Diff(tt.want, *f, cmp.AllowUnexported(File{})); diff != "" {
				t.Error(diff)
			}
			projecttest.CheckSchema(t, Schema(), tt.yaml, true)
		})
	}
}
