package imagediff

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// ConfigChange is a field of the config that differs. From and To are JSON values; nil means that the field is missing.
type ConfigChange struct {
	Field string `json:"field"`         // name in the config: "Env", "Cmd", "architecture"
	Key   string `json:"key,omitempty"` // of a field with several entries: the variable, the label, the port
	From  any    `json:"from"`
	To    any    `json:"to"`
}

// field is a field of a config.
type field struct{ name, key string }

// config is an image's config, by field. The fields about the build are separate, in details: they do not change a container.
type config struct{ facts, details map[field]any }

// fieldOrder is the order in which fields are printed. Other fields follow by name.
var fieldOrder = []string{
	"os", "architecture", "variant", "User", "WorkingDir", "Entrypoint", "Cmd", "Shell", "Env", "ExposedPorts", "Volumes", "Labels",
	"StopSignal", "Healthcheck", "OnBuild",
}

// detailFields are the fields about the build, as are all fields with detailPrefix, which BuildKit adds. Docker's classic builder
// writes those from "container" on.
var detailFields = []string{"created", "history", "container", "container_config", "docker_version", "id", "parent", "Image", "Hostname"}

const detailPrefix = "moby.buildkit."

// layerField lists the layers, which are compared separately.
const layerField = "rootfs"

// readConfig reads an image's config.
func readConfig(raw []byte) (config, error) {
	var top map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // keeps a health check's times in nanoseconds exact
	if err := decoder.Decode(&top); err != nil {
		return config{}, fmt.Errorf("reading the config: %w", err)
	}
	c := config{facts: map[field]any{}, details: map[field]any{}}
	run, _ := top["config"].(map[string]any)
	delete(top, "config")
	delete(top, layerField)
	for _, object := range []map[string]any{top, run} {
		for name, value := range object {
			into := c.facts
			if slices.Contains(detailFields, name) || strings.HasPrefix(name, detailPrefix) {
				into = c.details
			}
			flatten(into, name, value)
		}
	}
	return c, nil
}

// flatten adds a field's value to a map, with several entries by their keys. It skips empty values, which equal missing ones.
func flatten(into map[field]any, name string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, one := range value {
			into[field{name, key}] = one
		}
		return
	case []any:
		if name == "Env" {
			flattenEnv(into, value)
			return
		}
		if flattenObjects(into, name, value) || len(value) == 0 {
			return
		}
	case nil:
		return
	}
	if reflect.ValueOf(value).IsZero() {
		return
	}
	into[field{name: name}] = value
}

// flattenEnv adds each variable by its name. The last one with a name wins.
func flattenEnv(into map[field]any, variables []any) {
	for _, v := range variables {
		name, value, _ := strings.Cut(fmt.Sprint(v), "=")
		into[field{"Env", name}] = value
	}
}

// flattenObjects adds the objects of a list, such as history entries, by their numbers. It reports whether the list has any.
func flattenObjects(into map[field]any, name string, list []any) bool {
	if len(list) == 0 {
		return false
	}
	if _, ok := list[0].(map[string]any); !ok {
		return false
	}
	for i, one := range list {
		into[field{name, strconv.Itoa(i)}] = one
	}
	return true
}

// configChanges returns the fields that differ, in the order of printing. The result is never nil.
func configChanges(a, b map[field]any) []ConfigChange {
	fields := maps.Clone(a)
	maps.Copy(fields, b)
	changes := []ConfigChange{}
	for _, f := range slices.SortedFunc(maps.Keys(fields), compareFields) {
		from, inA := a[f]
		to, inB := b[f]
		if inA != inB || !reflect.DeepEqual(from, to) {
			changes = append(changes, ConfigChange{f.name, f.key, from, to})
		}
	}
	return changes
}

func compareFields(a, b field) int {
	return cmp.Or(cmp.Compare(rank(a.name), rank(b.name)), cmp.Compare(a.name, b.name), compareKeys(a.key, b.key))
}

func rank(name string) int {
	if i := slices.Index(fieldOrder, name); i >= 0 {
		return i
	}
	return len(fieldOrder)
}

// compareKeys compares numbers by value, and other keys as text.
func compareKeys(a, b string) int {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a, b)
}
