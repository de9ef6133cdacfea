package options

import (
	"strconv"
	"strings"

	"github.com/tonistiigi/go-csvvalue"
)

// Attestations are the attestations of a build, with buildx's names and meanings. There are none by default: they make the tag an index
// that differs in every run.
type Attestations struct {
	attests          []attestation
	sbom, provenance []attestation // the last of each counts
}

// attestation is a value of --attest.
type attestation struct {
	kind, attrs string
	disabled    bool
}

// Group returns the rows of the table.
func (a *Attestations) Group() Group {
	return Group{
		Name: "attestations", Title: "Attestations", Commands: []string{"solve", "graph"},
		Options: ignoredByGraph([]Option{
			{Name: "attest", Value: "type=TYPE,...", Choices: []string{"type=sbom", "type=provenance"}, into: parsed(&a.attests, parseAttestation),
				Unset: "none", Help: "Attestation: type=sbom or type=provenance, with mode=max, disabled=true and the like"},
			{Name: "sbom", Value: "true|false|generator=IMAGE", Choices: []string{"true", "false"}, into: shortAttestation(&a.sbom, "sbom", "true", "false", "generator=IMAGE"),
				Help: "Short for --attest type=sbom"},
			{Name: "provenance", Value: "true|false|mode=MODE,...", Choices: []string{"true", "false", "mode=min", "mode=max"},
				into: shortAttestation(&a.provenance, "provenance", "true", "false", "mode=min", "mode=max"), Help: "Short for --attest type=provenance"},
		}),
	}
}

// Attrs returns the attestations as attributes of a solve: "attest:sbom", "attest:provenance". As in buildx, the last value of a type
// counts, and --sbom and --provenance override --attest.
func (a *Attestations) Attrs() map[string]string {
	attrs := map[string]string{}
	for _, list := range [][]attestation{a.attests, a.provenance, a.sbom} {
		for _, one := range list {
			attrs["attest:"+one.kind] = one.attrs
			if one.disabled {
				delete(attrs, "attest:"+one.kind)
			}
		}
	}
	return attrs
}

// shortAttestation parses the value of --sbom or --provenance. forms are what a value may be.
func shortAttestation(into *[]attestation, kind string, forms ...string) value {
	return value{kindText, func(text string) error {
		*into = nil
		if text == "" {
			return nil
		}
		if on, err := strconv.ParseBool(text); err == nil {
			*into = []attestation{{kind: kind, disabled: !on}}
			return nil
		}
		if !strings.Contains(text, "=") || strings.HasPrefix(text, "type=") || strings.Contains(text, ",type=") {
			return wrong(text, "must be %s", alternatives(forms))
		}
		all, err := parseAttestation("type=" + kind + "," + text)
		if err != nil {
			return in(text, err)
		}
		*into = all
		return nil
	}}
}

// parseAttestation reads a value of --attest.
func parseAttestation(text string) ([]attestation, error) {
	fields, err := csvvalue.Fields(text, nil)
	if err != nil {
		return nil, wrong(text, "%w", err)
	}
	var a attestation
	var attrs []string
	for _, field := range fields {
		key, v, ok := strings.Cut(field, "=")
		switch {
		case !ok:
			return nil, wrong(text, "%q must be KEY=VALUE, as in type=sbom or type=provenance,mode=max", field)
		case strings.EqualFold(key, "type"):
			a.kind = v
		case strings.EqualFold(key, "disabled"):
			if a.disabled, err = strconv.ParseBool(v); err != nil {
				return nil, wrong(text, "disabled= must be true or false, not %q", v)
			}
		default:
			attrs = append(attrs, quoteField(field))
		}
	}
	if a.kind != "sbom" && a.kind != "provenance" {
		return nil, wrong(text, "type= must be sbom or provenance")
	}
	a.attrs = strings.Join(attrs, ",")
	return []attestation{a}, nil
}

// quoteField quotes a field of a CSV record if it needs quotes.
func quoteField(field string) string {
	if !strings.ContainsAny(field, `,"`) {
		return field
	}
	return `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
}
