package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// rcFiles returns the files with settings. Later ones override earlier ones.
func rcFiles() []string {
	home := os.Getenv("HOME")
	files := []string{
		"/etc/conda/.condarc", filepath.Join(root(), ".condarc"), filepath.Join(root(), ".mambarc"),
		filepath.Join(home, ".condarc"), filepath.Join(home, ".mambarc"),
	}
	if file := os.Getenv("MAMBARC"); file != "" {
		files = append(files, file)
	}
	return files
}

func readRC(file string) (map[string]any, error) {
	settings := map[string]any{}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return settings, nil
	}
	if err == nil {
		err = yaml.Unmarshal(data, &settings)
	}
	return settings, err
}

// allRC returns the settings of all files.
func allRC(o options) (map[string]any, error) {
	all := map[string]any{}
	files := rcFiles()
	if o.set["--no-rc"] {
		files = nil
	}
	if file := o.value("--rc-file"); file != "" {
		files = []string{file}
	}
	for _, file := range files {
		settings, err := readRC(file)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		for key, value := range settings {
			all[key] = value
		}
	}
	return all, nil
}

// config lists or changes settings, by default in the user's file.
func config(args []string) error {
	if len(args) == 0 {
		return usage("config without a command")
	}
	o, rest, err := parse(args[1:], flagNames("--system --env --sources -s -a --all --no-rc --no-env -y --yes"), flagNames("--file -r --root-prefix -n --name -p --prefix --rc-file"))
	if err != nil {
		return err
	}
	if args[0] == "list" {
		all, err := allRC(o)
		if err == nil && len(all) > 0 {
			err = yaml.NewEncoder(os.Stdout).Encode(all)
		}
		return err
	}
	file := filepath.Join(os.Getenv("HOME"), ".condarc")
	switch {
	case o.value("--file") != "":
		file = o.value("--file")
	case o.set["--env"]:
		prefix, err := prefixOf(o)
		if err != nil {
			return err
		}
		file = filepath.Join(prefix, ".condarc")
	case o.set["--system"]:
		return usage("config --system")
	}
	settings, err := readRC(file)
	if err != nil {
		return err
	}
	if err := change(settings, args[0], rest); err != nil {
		return err
	}
	data, err := yaml.Marshal(settings)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

func change(settings map[string]any, command string, args []string) error {
	if command == "remove-key" && len(args) == 1 {
		delete(settings, args[0])
		return nil
	}
	if len(args) != 2 || strings.HasPrefix(args[0], "-") {
		return usage("config %s %q: want a key and a value", command, args)
	}
	key, value := args[0], args[1]
	list, _ := settings[key].([]any)
	switch command {
	case "set":
		settings[key] = scalar(value)
	case "append":
		settings[key] = append(list, value)
	case "prepend":
		settings[key] = append([]any{value}, list...)
	case "remove":
		settings[key] = slices.DeleteFunc(list, func(v any) bool { return v == value })
	default:
		return usage("config %s", command)
	}
	return nil
}

func scalar(text string) any {
	switch strings.ToLower(text) {
	case "true", "yes", "on":
		return true
	case "false", "no", "off":
		return false
	}
	return text
}

// channels returns the addresses of the channels that a call uses, in order.
func channels(o options) ([]string, error) {
	rc, err := allRC(o)
	if err != nil {
		return nil, err
	}
	names := slices.Concat(o.values["-c"], o.values["--channel"])
	if !o.set["--override-channels"] {
		configured, _ := rc["channels"].([]any)
		for _, name := range configured {
			names = append(names, fmt.Sprint(name))
		}
	}
	alias := "https://conda.anaconda.org"
	if configured, ok := rc["channel_alias"].(string); ok {
		alias = configured
	}
	if told := o.value("--channel-alias"); told != "" {
		alias = told
	}
	var urls []string
	for _, name := range names {
		if !strings.Contains(name, "://") {
			name = strings.TrimSuffix(alias, "/") + "/" + name
		}
		if url := strings.TrimSuffix(name, "/"); !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	return urls, nil
}
