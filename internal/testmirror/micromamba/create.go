package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/rtbuild/rtbuild/internal/testmirror/curl"
	"github.com/rtbuild/rtbuild/internal/testmirror/stamp"
)

// record is a package as a channel lists it.
type record struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	Build       string   `json:"build"`
	BuildNumber int      `json:"build_number"`
	Depends     []string `json:"depends"`
	Subdir      string   `json:"subdir"`
	SHA256      string   `json:"sha256"`
	Size        int      `json:"size"`

	Channel string   `json:"channel"`
	File    string   `json:"fn"`
	URL     string   `json:"url"`
	Files   []string `json:"files"`          // in conda-meta
	Spec    string   `json:"requested_spec"` // in conda-meta
}

// unsatisfiable is the solver's error if no packages fit.
type unsatisfiable struct{ spec, why string }

func (u *unsatisfiable) Error() string {
	return "error    libmamba Could not solve for environment specs\n    The following package could not be installed\n    └─ " +
		u.spec + " " + u.why + ".\ncritical libmamba Could not solve for environment specs (a stand-in of rtbuild's tests)\n"
}

// create creates an environment if fresh is set, or adds to an existing one.
func create(args []string, fresh bool) error {
	o, specs, err := parse(args, common, commonValues)
	if err != nil {
		return err
	}
	prefix, err := prefixOf(o)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(prefix, "conda-meta")); !fresh && err != nil {
		return fmt.Errorf("the environment %s does not exist", prefix)
	}
	if platform := o.value("--platform"); platform != "" && platform != subdir() {
		return usage("--platform %s on %s", platform, subdir())
	}
	if fresh && !o.set["-y"] && !o.set["--yes"] {
		if _, err := os.Stat(prefix); err == nil {
			return fmt.Errorf("found conda-prefix at '%s'. Overwrite? Not without --yes", prefix)
		}
	}
	if fresh {
		if err := os.RemoveAll(prefix); err != nil {
			return err
		}
	}
	urls, err := channels(o)
	if err != nil {
		return err
	}
	chosen, err := resolve(urls, specs)
	if err != nil {
		return err
	}
	return install(prefix, chosen)
}

// subdir returns conda's name of this machine's platform.
func subdir() string {
	if runtime.GOARCH == "arm64" {
		return "linux-aarch64"
	}
	return "linux-64"
}

// resolve chooses the newest package for every specification and for its dependencies.
func resolve(urls, specs []string) ([]record, error) {
	if len(specs) == 0 {
		return nil, nil
	}
	if len(urls) == 0 {
		return nil, errors.New("no channel: neither -c nor a setting names one")
	}
	known, err := list(urls)
	if err != nil {
		return nil, err
	}
	var open []spec
	for _, text := range specs {
		s, err := parseSpec(text)
		if err != nil {
			return nil, err
		}
		open = append(open, s)
	}
	conditions := map[string][]spec{}
	for _, s := range open {
		conditions[s.name] = append(conditions[s.name], s)
	}
	chosen := map[string]record{}
	var order []record
	for ; len(open) > 0; open = open[1:] {
		s := open[0]
		if r, ok := chosen[s.name]; ok {
			if ok, err := s.allows(r.Version); err != nil || !ok {
				return nil, errors.Join(err, &unsatisfiable{s.text, "conflicts with " + r.Name + " " + r.Version})
			}
			continue
		}
		r, err := newest(known, append(conditions[s.name], s))
		if err != nil {
			return nil, err
		}
		if slices.Contains(specs, s.text) {
			r.Spec = s.text
		}
		chosen[s.name], order = r, append(order, r)
		for _, text := range r.Depends {
			if strings.HasPrefix(text, "__") { // virtual packages of the system, such as libc
				continue
			}
			d, err := parseSpec(text)
			if err != nil {
				return nil, err
			}
			open = append(open, d)
		}
	}
	return order, nil
}

// newest returns the newest package that all specifications of one name allow.
func newest(known []record, specs []spec) (record, error) {
	var best record
	for _, r := range known {
		if r.Name != specs[0].name {
			continue
		}
		fits := true
		for _, s := range specs {
			ok, err := s.allows(r.Version)
			if err != nil {
				return best, err
			}
			fits = fits && ok
		}
		if fits && (best.Name == "" || compare(r.Version, best.Version) > 0) {
			best = r
		}
	}
	if best.Name == "" {
		last := specs[0]
		return best, &unsatisfiable{strings.TrimSpace(last.name + " " + strings.Join(last.conditions, ",") + " *"), "does not exist (perhaps a typo or a missing channel)"}
	}
	return best, nil
}

// list returns the channels' packages for this platform and for noarch.
func list(urls []string) ([]record, error) {
	var all []record
	for _, url := range urls {
		for _, dir := range []string{subdir(), "noarch"} {
			var data struct {
				Packages map[string]record `json:"packages"`
				Conda    map[string]record `json:"packages.conda"`
			}
			content, err := get(url + "/" + dir + "/repodata.json")
			if err != nil {
				return nil, err
			}
			if err := json.Unmarshal(content, &data); err != nil {
				return nil, fmt.Errorf("reading %s/%s/repodata.json: %w", url, dir, err)
			}
			if len(data.Packages) > 0 {
				return nil, usage("a channel with packages of the old format .tar.bz2")
			}
			for file, r := range data.Conda {
				r.Channel, r.File, r.URL = url, file, url+"/"+dir+"/"+file
				all = append(all, r)
			}
			fmt.Printf("%-50s ✔ Done\n", url+"/"+dir)
		}
	}
	slices.SortFunc(all, func(a, b record) int { return strings.Compare(a.URL, b.URL) })
	return all, nil
}

// client returns an HTTP client that behaves like libmamba's: it uses REQUESTS_CA_BUNDLE, but not OpenSSL's variables.
var client = sync.OnceValues(func() (*http.Client, error) { return curl.Client("REQUESTS_CA_BUNDLE") })

// get fetches an address, with the proxy and the authorities of the environment.
func get(url string) ([]byte, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "micromamba/"+stamp.Version("2.3.3")+" (a stand-in of rtbuild's tests)")
	c, err := client()
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, fmt.Errorf("download error (7) Could not connect to server [%s]: %w", url, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("transfer finalized, status: %d [%s]", resp.StatusCode, url)
	}
	return io.ReadAll(resp.Body)
}

// install installs packages into an environment.
func install(prefix string, records []record) error {
	if err := os.MkdirAll(filepath.Join(prefix, "conda-meta"), 0o755); err != nil {
		return err
	}
	history, err := os.OpenFile(filepath.Join(prefix, "conda-meta", "history"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer history.Close()
	for _, r := range records {
		meta := filepath.Join(prefix, "conda-meta", fmt.Sprintf("%s-%s-%s.json", r.Name, r.Version, r.Build))
		if _, err := os.Stat(meta); err == nil {
			continue
		}
		data, err := fetch(r)
		if err != nil {
			return err
		}
		if r.Files, err = unpack(data, r, prefix); err != nil {
			return fmt.Errorf("unpacking %s: %w", r.File, err)
		}
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(meta, text, 0o644); err != nil {
			return err
		}
		fmt.Printf("Linking %s-%s-%s\n", r.Name, r.Version, r.Build)
		if _, err := fmt.Fprintf(history, "+%s/%s::%s-%s-%s\n", r.Channel, r.Subdir, r.Name, r.Version, r.Build); err != nil {
			return err
		}
	}
	fmt.Println("\nTransaction finished (by a stand-in of rtbuild's tests)")
	return nil
}

// fetch returns a package from the cache, or from the channel, and then caches it.
func fetch(r record) ([]byte, error) {
	file := filepath.Join(packagesDir(), r.File)
	if data, err := os.ReadFile(file); err == nil && digest(data) == r.SHA256 {
		return data, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	data, err := get(r.URL)
	if err != nil {
		return nil, err
	}
	if got := digest(data); got != r.SHA256 {
		return nil, fmt.Errorf("file not valid: SHA256 sum doesn't match expectation %q\nExpected: %s\nActual: %s", r.URL, r.SHA256, got)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	return data, os.WriteFile(file, data, 0o644)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
