package runtimefile

import (
	"strings"
	"testing"
)

func TestRoot(t *testing.T) {
	tests := []struct{ name, file, want, err string }{
		{name: "empty", want: "."},
		{name: "not said", file: "# syntax=x\nbase: a\n", want: "."},
		{name: "said", file: "# syntax=x\n" + RootLine + "code\nbase: a\n", want: "code"},
		{name: "of a file from elsewhere", file: "# syntax=x\r\n\r\n" + RootLine + "a/b \r\nbase: a\r\n", want: "a/b"},
		{name: "too late", file: "base: a\n" + RootLine + "code\n", want: "."},
		{name: "upwards", file: RootLine + "../x\n", err: "names no directory below the context"},
		{name: "absolute", file: RootLine + "/x\n", err: "names no directory below the context"},
		{name: "nothing", file: RootLine + "\n", err: "names no directory below the context"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Root([]byte(test.file))
			if test.err == "" && (err != nil || got != test.want) || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("got %q and %v, want %q and %q", got, err, test.want, test.err)
			}
		})
	}
}
