package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// installed maps the environment's packages, "name-version", to their .dist-info directories.
func (v venv) installed() (map[string]string, error) {
	infos, err := filepath.Glob(filepath.Join(v.site, "*.dist-info"))
	if err != nil {
		return nil, err
	}
	there := map[string]string{}
	for _, info := range infos {
		name, version, _ := strings.Cut(strings.TrimSuffix(filepath.Base(info), ".dist-info"), "-")
		there[strings.ReplaceAll(normalised(name), "-", "_")+"-"+version] = info
	}
	return there, nil
}

// uninstall removes the files that a package's RECORD lists, and directories that become empty.
func (v venv) uninstall(info string) error {
	data, err := os.ReadFile(filepath.Join(info, "RECORD"))
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return err
	}
	dirs := map[string]bool{}
	for _, row := range rows {
		file := filepath.Join(v.site, row[0])
		if err := os.RemoveAll(file); err != nil {
			return err
		}
		for dir := filepath.Dir(file); strings.HasPrefix(dir, v.site+"/"); dir = filepath.Dir(dir) {
			dirs[dir] = true
			if err := os.RemoveAll(filepath.Join(dir, "__pycache__")); err != nil {
				return err
			}
		}
	}
	sorted := make([]string, 0, len(dirs))
	for dir := range dirs {
		sorted = append(sorted, dir)
	}
	slices.Sort(sorted)
	slices.Reverse(sorted)
	for _, dir := range sorted {
		os.Remove(dir) // fails if the directory is not empty
	}
	return nil
}

// unpack installs a wheel: its files, its programs, and the record of both.
func (v venv) unpack(data []byte) error {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	record := &record{site: v.site}
	info, points := "", ""
	for _, entry := range archive.File {
		top, base, _ := strings.Cut(entry.Name, "/")
		if strings.HasSuffix(top, ".data") {
			return usage("the wheel has files for other directories: %s", entry.Name)
		}
		if !filepath.IsLocal(entry.Name) || strings.HasSuffix(entry.Name, "/") {
			continue
		}
		content, err := readEntry(entry)
		if err != nil {
			return err
		}
		if strings.HasSuffix(top, ".dist-info") {
			info = top
			switch base {
			case "RECORD":
				continue
			case "entry_points.txt":
				points = string(content)
			}
		}
		mode := os.FileMode(0o644)
		if entry.Mode()&0o111 != 0 {
			mode = 0o755
		}
		if err := record.write(filepath.Join(v.site, entry.Name), content, mode); err != nil {
			return err
		}
	}
	if info == "" {
		return fmt.Errorf("the wheel has no .dist-info")
	}
	for name, point := range consoleScripts(points) {
		if err := record.write(filepath.Join(v.dir, "bin", name), v.script(point), 0o755); err != nil {
			return err
		}
	}
	dir := filepath.Join(v.site, info)
	if err := record.write(filepath.Join(dir, "INSTALLER"), []byte("uv"), 0o644); err != nil {
		return err
	}
	lines := append(record.lines, info+"/RECORD,,\n")
	slices.Sort(lines)
	return os.WriteFile(filepath.Join(dir, "RECORD"), []byte(strings.Join(lines, "")), 0o644)
}

func readEntry(entry *zip.File) ([]byte, error) {
	in, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

// record collects a package's RECORD.
type record struct {
	site  string
	lines []string
}

func (r *record) write(file string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, content, mode); err != nil {
		return err
	}
	name, err := filepath.Rel(r.site, file)
	sum := sha256.Sum256(content)
	r.lines = append(r.lines, fmt.Sprintf("%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(content)))
	return err
}

var scriptLine = regexp.MustCompile(`^([\w.-]+)\s*=\s*([\w.]+):([\w.]+)`)

// consoleScripts returns the programs of entry_points.txt: module and function by name.
func consoleScripts(text string) map[string][2]string {
	scripts := map[string][2]string{}
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		if m := scriptLine.FindStringSubmatch(line); m != nil && section == "[console_scripts]" {
			scripts[m[1]] = [2]string{m[2], m[3]}
		}
	}
	return scripts
}

func (v venv) script(point [2]string) []byte {
	function, _, _ := strings.Cut(point[1], ".")
	return fmt.Appendf(nil, "#!%s\n# -*- coding: utf-8 -*-\nimport sys\nfrom %s import %s\nif __name__ == \"__main__\":\n    sys.exit(%s())\n",
		v.python, point[0], function, point[1])
}
