package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/endpoints"
)

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
