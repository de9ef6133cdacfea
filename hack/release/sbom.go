package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"time"
)

// document holds the fields of SPDX 2.3 for a program and the modules in it: https://spdx.github.io/spdx-spec/v2.3/.
type document struct {
	Version       string         `json:"spdxVersion"`
	DataLicense   string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      creation       `json:"creationInfo"`
	Packages      []module       `json:"packages"`
	Relationships []relationship `json:"relationships"`
}

type creation struct {
	Creators []string `json:"creators"`
	Created  string   `json:"created"`
}

type module struct {
	Name     string     `json:"name"`
	ID       string     `json:"SPDXID"`
	Version  string     `json:"versionInfo"`
	Download string     `json:"downloadLocation"`
	Analyzed bool       `json:"filesAnalyzed"`
	License  string     `json:"licenseConcluded"`
	Declared string     `json:"licenseDeclared"`
	Refs     []external `json:"externalRefs"`
}

type external struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

// writeSBOM writes which modules a program contains. Go's linker has written them into the program.
func (r release) writeSBOM(file, program string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(filepath.Base(file), ".spdx.json")
	main := moduleOf(&debug.Module{Path: info.Main.Path, Version: r.version})
	main.License, main.Declared = "Apache-2.0", "Apache-2.0"
	d := document{
		Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: name,
		Namespace: "https://" + info.Main.Path + "/sbom/" + name,
		Creation:  creation{Creators: []string{"Tool: rtbuild-release"}, Created: r.at.Format(time.RFC3339)},
		Packages:  []module{main, moduleOf(&debug.Module{Path: "stdlib", Version: strings.TrimPrefix(info.GoVersion, "go")})},
	}
	for _, dep := range info.Deps {
		d.Packages = append(d.Packages, moduleOf(cmp.Or(dep.Replace, dep)))
	}
	d.Relationships = []relationship{{d.ID, "DESCRIBES", main.ID}}
	for _, p := range d.Packages[1:] {
		d.Relationships = append(d.Relationships, relationship{main.ID, "DEPENDS_ON", p.ID})
	}
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

var notInID = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// moduleOf returns a module as a package of SPDX, with the package URL of Go modules.
func moduleOf(m *debug.Module) module {
	return module{
		Name: m.Path, Version: m.Version, ID: "SPDXRef-" + notInID.ReplaceAllString(m.Path+"-"+m.Version, "-"),
		Download: "NOASSERTION", License: "NOASSERTION", Declared: "NOASSERTION",
		Refs: []external{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + m.Path + "@" + url.PathEscape(m.Version)}},
	}
}
