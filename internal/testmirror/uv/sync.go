package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rtbuild/rtbuild/internal/testmirror/curl"
	"github.com/rtbuild/rtbuild/internal/testmirror/stamp"
)

// sync makes the environment match the lock file exactly.
func sync(o options) error {
	if !o.set["--frozen"] && !o.set["--locked"] {
		return usage("sync without --frozen or --locked: the stand-in does not write lock files")
	}
	if dir := o.value("--directory"); dir != "" {
		if err := os.Chdir(dir); err != nil {
			return err
		}
	}
	dir := o.value("--project")
	if dir == "" {
		dir = "."
	}
	packages, err := wanted(dir, o)
	if err != nil {
		return err
	}
	venv, err := openVenv(dir, o)
	if err != nil {
		return err
	}
	return venv.install(packages, o)
}

// venv is a virtual environment.
type venv struct{ dir, python, site string }

// openVenv returns the project's environment. It creates it if it does not exist or its interpreter does not work.
func openVenv(project string, o options) (venv, error) {
	dir := os.Getenv("UV_PROJECT_ENVIRONMENT")
	if dir == "" {
		dir = ".venv"
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(project, dir)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return venv{}, err
	}
	v := venv{dir: dir, python: filepath.Join(dir, "bin/python")}
	if exec.Command(v.python, "-c", "").Run() != nil {
		python, err := findPython(o)
		if err != nil {
			return v, err
		}
		fmt.Fprintf(os.Stderr, "Using CPython interpreter at: %s\nCreating virtual environment at: %s\n", python, dir)
		if out, err := exec.Command(python, "-m", "venv", "--clear", "--without-pip", dir).CombinedOutput(); err != nil {
			return v, fmt.Errorf("%s -m venv: %w\n%s", python, err, out)
		}
	}
	out, err := exec.Command(v.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'), end='')").Output()
	v.site = string(out)
	return v, err
}

var pythonVersion = regexp.MustCompile(`^(?:python|cpython@?)?(\d+\.\d+)(\.\d+)?$`)

// findPython returns the requested interpreter, named by its path, its name in PATH, or its version.
func findPython(o options) (string, error) {
	asked := o.value("--python", "-p")
	if asked == "" {
		asked = os.Getenv("UV_PYTHON")
	}
	name := asked
	if asked == "" {
		name = "python3"
	} else if m := pythonVersion.FindStringSubmatch(asked); m != nil {
		name = "python" + m[1]
	}
	file, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("no interpreter found for %s in search path, and the stand-in downloads none: %w", name, err)
	}
	return filepath.Abs(file)
}

// install makes the environment contain exactly packages.
func (v venv) install(packages []*lockedPackage, o options) error {
	there, err := v.installed()
	if err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, p := range packages {
		id := strings.ReplaceAll(p.Name, "-", "_") + "-" + p.Version
		keep[id] = true
		if there[id] != "" {
			continue
		}
		for other, info := range there {
			if strings.HasPrefix(other, strings.ReplaceAll(p.Name, "-", "_")+"-") {
				if err := v.uninstall(info); err != nil {
					return err
				}
				delete(there, other)
			}
		}
		file, err := p.wheel()
		if err != nil {
			return err
		}
		data, err := fetch(file, o)
		if err != nil {
			return err
		}
		if err := v.unpack(data); err != nil {
			return fmt.Errorf("installing %s: %w", path.Base(file.URL), err)
		}
		fmt.Fprintf(os.Stderr, " + %s==%s\n", p.Name, p.Version)
	}
	for id, info := range there {
		if keep[id] || o.set["--inexact"] {
			continue
		}
		if err := v.uninstall(info); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, " - %s\n", strings.Replace(id, "-", "==", 1))
	}
	return nil
}

// fetch returns a locked file from the cache or from its address, and checks its hash.
func fetch(f lockedFile, o options) ([]byte, error) {
	want := strings.TrimPrefix(f.Hash, "sha256:")
	dir := cacheDir()
	if told := o.value("--cache-dir"); told != "" {
		dir = told
	}
	kept := filepath.Join(dir, "stand-in-v0", want)
	caching := !o.set["--no-cache"] && !o.set["-n"] && os.Getenv("UV_NO_CACHE") == ""
	if data, err := os.ReadFile(kept); caching && err == nil {
		return data, nil
	}
	if o.set["--offline"] || os.Getenv("UV_OFFLINE") != "" {
		return nil, fmt.Errorf("network connectivity is disabled, but the requested data wasn't found in the cache for: `%s`", f.URL)
	}
	req, err := http.NewRequest(http.MethodGet, f.URL, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "uv/"+stamp.Version("0.8.3")+" (a stand-in of rtbuild's tests)")
	client, err := curl.Client("SSL_CERT_FILE")
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("failed to fetch: `%s`: %w", f.URL, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("failed to fetch: `%s`: HTTP status %s", f.URL, resp.Status)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != want {
		return nil, fmt.Errorf("hash mismatch for `%s`\n\nExpected:\n  sha256:%s\n\nComputed:\n  sha256:%s", f.URL, want, got)
	}
	if !caching {
		return data, nil
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return nil, err
	}
	return data, os.WriteFile(kept, data, 0o644)
}
