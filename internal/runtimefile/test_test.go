package runtimefile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/llb"
)

// TestTests reads the forms of test, in their order.
func TestTests(t *testing.T) {
	for _, tt := range []struct {
		name, yaml string
		want       []llb.Test
	}{
		{"none", "test: []", nil},
		{"a line", "test: [{run: a && b}]", []llb.Test{{Run: []string{"/bin/sh", "-c", "a && b"}}}},
		{"words", "test: [{run: [a, 1], exit: 2, stdout: 1.10, user: 7, network: default, timeout: 5}]",
			[]llb.Test{{Run: []string{"a", "1"}, Exit: 2, Stdout: "1.10", User: "7", Network: true, Timeout: 5}}},
		{"addresses", "test: [{address: 'http://127.0.0.1/x'}, {address: '[::1]:80', run: a}]",
			[]llb.Test{{Address: "http://127.0.0.1/x"}, {Address: "[::1]:80", Run: []string{"/bin/sh", "-c", "a"}}}},
		{"files", "test: [{file: /a/b, mode: 0755}, {file: /a, contains: 3}]", []llb.Test{{File: "/a/b", Mode: "0755"}, {File: "/a", Contains: "3"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse(Name, []byte(tt.yaml), known)
			projecttest.CheckError(t, err, "")
			if diff := cmp.Diff(tt.want, f.Tests); diff != "" {
				t.Error(diff)
			}
			projecttest.CheckSchema(t, Schema(), tt.yaml, true)
		})
	}
}
