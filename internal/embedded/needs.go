package embedded

import (
	"fmt"
	"strings"
)

// Need is something that the private builder needs on this machine.
type Need struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Found string `json:"found,omitempty"` // its path or value
	Hint  string `json:"hint,omitempty"`  // what to do if it is missing
}

// needs checks all needs, so that the user can install everything at once.
func (h *host) needs(opt Options) []Need {
	if supported(h.system) != nil {
		return []Need{{Name: "Linux", Hint: onlyLinux}}
	}
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

// missing returns an error that wraps ErrMissing and names everything that is missing, or nil.
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
	return fmt.Errorf("the private buildkitd cannot run here: %w:%s\nor use another builder with --addr and --repository",
		ErrMissing, strings.Join(lines, ""))
}
