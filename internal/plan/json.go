package plan

import "github.com/rtbuild/rtbuild/tags"

// JSON is the machine-readable form of a plan: an entry of "platforms" in plan --format json. One frontend also hands it to a second one.
// Its names are a contract. It omits Entry, the image itself.
type JSON struct {
	Variant Variant          `json:"variant"`
	From    string           `json:"from"`
	Build   string           `json:"buildFrom,omitempty"`
	Reason  string           `json:"reason"`
	Exists  map[string]State `json:"exists"`
	Publish []string         `json:"publish"`
	Notes   []string         `json:"notes,omitempty"`

	// Of the Python packages in the lock file, those without a wheel for the platform. The commands that print a plan set them.
	Compiled   []string `json:"compiled,omitempty"`   // are built from their sources
	Impossible []string `json:"impossible,omitempty"` // cannot be installed
}

// JSON returns the machine-readable form of the plan.
func (p *Plan) JSON() JSON {
	return JSON{
		Variant: p.Variant, From: p.From, Build: p.Build, Reason: p.Reason, Exists: p.Exists, Publish: append([]string{}, p.Publish...), Notes: p.Notes,
	}
}

// Plan returns the plan of this form. Its Entry is nil, because the JSON does not include it.
func (j JSON) Plan() *Plan {
	return &Plan{Variant: j.Variant, From: j.From, Build: j.Build, Reason: j.Reason, Exists: j.Exists, Publish: j.Publish, Notes: j.Notes}
}

// Document is the output of plan --format json: the tags and the plan of each platform. If there is only one platform, its
// plan is also at the top level.
type Document struct {
	tags.Set
	*JSON
	Projects  []string        `json:"projects,omitempty"` // the Python projects that are installed with the dependencies, with their versions
	Platforms map[string]JSON `json:"platforms"`
}

// NewDocument returns the document for the plans of some platforms.
func NewDocument(names tags.Set, platforms map[string]JSON) Document {
	d := Document{Set: names, Platforms: platforms}
	for _, only := range platforms {
		if len(platforms) == 1 {
			d.JSON = &only
		}
	}
	return d
}
