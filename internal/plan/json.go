package plan

import "github.com/rtbuild/rtbuild/tags"

// JSON is a plan as scripts read it.
type JSON struct {
	Variant Variant          `json:"variant"`
	From    string           `json:"from"`
	Reason  string           `json:"reason"`
	Exists  map[string]State `json:"exists"`
	Publish []string         `json:"publish"`
	Notes   []string         `json:"notes,omitempty"`
}

// JSON gives the form for scripts.
func (p *Plan) JSON() JSON {
	return JSON{p.Variant, p.From, p.Reason, p.Exists, append([]string{}, p.Publish...), p.Notes}
}

// Plan gives the plan back, without what is known of the image behind From.
func (j JSON) Plan() *Plan {
	return &Plan{Variant: j.Variant, From: j.From, Reason: j.Reason, Exists: j.Exists, Publish: j.Publish, Notes: j.Notes}
}

// Document is the output of plan --format json: the tags, the plan of each platform, and at the top level that of the
// only one.
type Document struct {
	tags.Set
	*JSON
	Platforms map[string]JSON `json:"platforms"`
}

// NewDocument is the document of the plans of platforms.
func NewDocument(names tags.Set, platforms map[string]JSON) Document {
	d := Document{Set: names, Platforms: platforms}
	for _, only := range platforms {
		if len(platforms) == 1 {
			d.JSON = &only
		}
	}
	return d
}
