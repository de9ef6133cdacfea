package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tonistiigi/go-csvvalue"
)

// attestOptions are the flags that ask for attestations, with buildx's names and meanings. By default there are none: they
// make an index of the tag, which is another one in every run.
type attestOptions struct {
	attests          []string
	sbom, provenance string
}

func (o *attestOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&o.attests, "attest", nil, "attestation: type=sbom|provenance[,mode=max][,disabled=true]... (repeatable; default: none)")
	flags.StringVar(&o.sbom, "sbom", "", `short for --attest type=sbom: "true", "false" or generator=IMAGE`)
	flags.StringVar(&o.provenance, "provenance", "", `short for --attest type=provenance: "true", "false" or mode=min|max,...`)
}

// read gives the attestations as attributes of a solve, as buildx passes them: "attest:sbom", "attest:provenance". As there,
// the last one of a type counts.
func (o *attestOptions) read() (map[string]string, error) {
	all := slices.Concat(o.attests, short("provenance", o.provenance), short("sbom", o.sbom))
	attrs := map[string]string{}
	for _, text := range all {
		kind, value, disabled, err := parseAttest(text)
		if err != nil {
			return nil, fmt.Errorf("invalid attestation %q: %w", text, err)
		}
		if disabled {
			delete(attrs, "attest:"+kind)
			continue
		}
		attrs["attest:"+kind] = value
	}
	return attrs, nil
}

// short writes out the value of --sbom or --provenance.
func short(kind, value string) []string {
	if value == "" {
		return nil
	}
	if on, err := strconv.ParseBool(value); err == nil {
		value = fmt.Sprintf("disabled=%t", !on)
	}
	return []string{"type=" + kind + "," + value}
}

// parseAttest takes a value of --attest apart.
func parseAttest(text string) (kind, value string, disabled bool, err error) {
	fields, err := csvvalue.Fields(text, nil)
	if err != nil {
		return "", "", false, err
	}
	var rest []string
	for _, field := range fields {
		key, v, ok := strings.Cut(field, "=")
		switch {
		case !ok:
			return "", "", false, fmt.Errorf("%q is not of the form key=value", field)
		case strings.EqualFold(key, "type"):
			kind = v
		case strings.EqualFold(key, "disabled"):
			if disabled, err = strconv.ParseBool(v); err != nil {
				return "", "", false, fmt.Errorf("disabled is true or false, not %q", v)
			}
		default:
			rest = append(rest, quoteField(field))
		}
	}
	if kind != "sbom" && kind != "provenance" {
		return "", "", false, errors.New("its type= is sbom or provenance")
	}
	return kind, strings.Join(rest, ","), disabled, nil
}

// quoteField writes a field so that it is read as one again.
func quoteField(field string) string {
	if !strings.ContainsAny(field, `,"`) {
		return field
	}
	return `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
}
