package embedded

import (
	"fmt"
	"strings"
)

// Need is something without which the private builder does not run.
type Need struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Found string `json:"found,omitempty"` // where or what it is
	Hint  string `json:"hint,omitempty"`  // what to do if it is not there
}

// needs checks everything, so that its reader installs once and not piece by piece.
func (h *host) needs(opt Options) []Need {
	list := []Need{h.buildkitdNeed(opt), h.programNeed("runc", "apt-get install runc")}
	if h.uid == 0 {
		return append(list, h.mountNeed())
	}
	return append(list,
		h.programNeed("rootlesskit", "apt-get install rootlesskit"),
		h.programNeed("newuidmap", "apt-get install uidmap"),
		h.programNeed("newgidmap", "apt-get install uidmap"),
		h.rangeNeed("/etc/subuid", "--add-subuids"),
		h.rangeNeed("/etc/subgid", "--add-subgids"),
		h.namespaceNeed(),
	)
}

func (h *host) buildkitdNeed(opt Options) Need {
	n := Need{Name: "buildkitd", Found: h.buildkitd(opt)}
	n.OK = n.Found != ""
	if !n.OK {
		n.Hint = "make install installs it with rtbuild-client; or set " + BuildkitdEnv + " to its path"
	}
	if named := namedBuildkitd(opt); named != "" && !n.OK {
		n.Hint = named + ", which " + BuildkitdEnv + " names, is not an executable file"
	}
	return n
}

func (h *host) programNeed(name, hint string) Need {
	found := h.program(name)
	if found == "" {
		return Need{Name: name, Hint: hint}
	}
	return Need{Name: name, OK: true, Found: found}
}

// missing is an ErrMissing that names all that is not there, or nil.
func missing(needs []Need) error {
	var lines []string
	for _, n := range needs {
		if !n.OK {
			lines = append(lines, fmt.Sprintf("\n  %s: %s", n.Name, n.Hint))
		}
	}
	if lines == nil {
		return nil
	}
	return fmt.Errorf("the private buildkitd cannot run here: %w:%s\nor name a builder that runs elsewhere with --addr and --repository",
		ErrMissing, strings.Join(lines, ""))
}
