package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/endpoints"
	"github.com/rtbuild/rtbuild/internal/stagegraph"
)

// TestGraphFormats: formats that cannot show what is asked for are refused before anything is looked at.
func TestGraphFormats(t *testing.T) {
	two := []stagegraph.Graph{{Platform: "linux/amd64", Variant: "none"}, {Platform: "linux/arm64", Variant: "lock"}}
	for format, want := range map[string]string{
		"text": "linux/amd64: none; \nlinux/arm64: lock; \n", "svg": "", "json": "{\n  \"graphs\"",
		"dot": "digraph", "mermaid": "flowchart TB",
	} {
		var out bytes.Buffer
		err := printGraphs(t.Context(), &out, format, two)
		if (err != nil) != (want == "") || !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s: got %v, %s", format, err, out.String())
		}
	}
	if _, err := command(t, "graph", "--addresses", "--format", "dot", examples+"node-agent"); err == nil || exitCode(err) != exitUsage {
		t.Errorf("addresses as DOT: got %v", err)
	}
}

func TestPrintEndpoints(t *testing.T) {
	uses := []endpoints.Use{{Address: "https://a", For: []string{"2"}}, {Address: "https://b", For: []string{"1", "3"}}}
	tests := []struct{ format, want string }{
		{"text", "https://a\nhttps://b\n"},
		{"json", `{
  "addresses": [
    {
      "address": "https://a",
      "for": [
        "2"
      ]
    },
    {
      "address": "https://b",
      "for": [
        "1",
        "3"
      ]
    }
  ]
}
`},
	}
	for _, test := range tests {
		t.Run(test.format, func(t *testing.T) {
			var out bytes.Buffer
			if err := printEndpoints(&out, test.format == "json", uses); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
