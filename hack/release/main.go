// Command release builds what a release of rtbuild-client consists of, for all systems: archives with the program, shell completions and
// man pages, and an SBOM of each program. Equal sources and versions give equal bytes, wherever the sources are.
//
// Usage: release VERSION SECONDS DIR: the version, the time stamp of all files in seconds since 1970, and a directory to write to.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// systems are GOOS/GOARCH of the programs.
var systems = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// shells have completions.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: release VERSION SECONDS DIR")
	}
	seconds, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(args[2])
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "rtbuild-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	r := release{version: args[0], at: time.Unix(seconds, 0).UTC(), dir: dir, work: work}
	return r.make()
}

// release is one version of the programs.
type release struct {
	version string
	at      time.Time // of all files
	dir     string    // for the result
	work    string    // temporary
}

func (r release) make() error {
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return err
	}
	here, err := r.build(runtime.GOOS + "/" + runtime.GOARCH)
	if err != nil {
		return err
	}
	texts, err := r.texts(here)
	if err != nil {
		return err
	}
	for _, system := range systems {
		if err := r.archive(system, texts); err != nil {
			return fmt.Errorf("%s: %w", system, err)
		}
	}
	return nil
}

// build compiles the program for a system, and returns its file.
func (r release) build(system string) (string, error) {
	goos, arch, _ := strings.Cut(system, "/")
	file := filepath.Join(r.work, goos+"-"+arch, programName(goos))
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.version="+r.version, "-o", file, "./cmd/client")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch)
	cmd.Stderr = os.Stderr
	return file, cmd.Run()
}

func programName(goos string) string {
	if goos == "windows" {
		return "rtbuild-client.exe"
	}
	return "rtbuild-client"
}

// texts returns the completions, the man pages and the licence, by their names in an archive. The program itself writes completions.
// A test of the client writes the man pages, so that the program does not hold what makes them.
func (r release) texts(program string) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, shell := range shells {
		out, err := exec.Command(program, "completion", shell).Output()
		if err != nil {
			return nil, fmt.Errorf("completions of %s: %w", shell, err)
		}
		all["completions/rtbuild-client."+shell] = out
	}
	man := filepath.Join(r.work, "man")
	cmd := exec.Command("go", "test", "-count=1", "-run", "^TestManPages$", "./cmd/client", "-man", man, "-man-date", strconv.FormatInt(r.at.Unix(), 10))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("man pages: %w", err)
	}
	pages, err := filepath.Glob(filepath.Join(man, "*.1"))
	if err != nil || len(pages) == 0 {
		return nil, errors.New("there are no man pages")
	}
	for _, file := range append(pages, "LICENSE") {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(file)
		if name != "LICENSE" {
			name = "man/man1/" + name
		}
		all[name] = data
	}
	return all, nil
}
