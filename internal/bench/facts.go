package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// facts describes the machine and the versions of the measurements.
func facts(ctx context.Context) (string, error) {
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "", err
	}
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return "", err
	}
	buildkit, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", "github.com/moby/buildkit").Output()
	if err != nil {
		return "", fmt.Errorf("asking go for BuildKit's version: %w", err)
	}
	memory := int64(info.Totalram) * int64(info.Unit)
	return fmt.Sprintf("%d cores (%s), %s of memory, Linux %s, %s, BuildKit %s",
		runtime.NumCPU(), processor(), size(memory), bytes.TrimSpace(kernel), runtime.Version(), bytes.TrimSpace(buildkit)), nil
}

// processor returns the processor's name, or its architecture if Linux does not provide a name.
func processor() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
