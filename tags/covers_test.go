package tags

import "testing"

func TestCovers(t *testing.T) {
	whole := []Path{{Path: ".", Hash: true}}
	tests := []struct {
		name string
		src  Source
		path string
		dir  bool
		want bool
		err  string
	}{
		{name: "all", src: Source{Paths: whole}, path: "a/b", want: true},
		{name: "the context", src: Source{Paths: whole}, path: ".", dir: true, want: true},
		{name: "an ignored directory", src: Source{Paths: whole, Ignore: []string{"a"}}, path: "a/b"},
		{name: "an ignored file", src: Source{Paths: whole, Ignore: []string{"*/b"}}, path: "a/b"},
		{name: "a directory of which all is ignored", src: Source{Paths: whole, Ignore: []string{"a/*"}}, path: "a", dir: true, want: true},
		{name: "and what is in it", src: Source{Paths: whole, Ignore: []string{"a/*"}}, path: "a/b", dir: true},
		{name: "taken back", src: Source{Paths: whole, Ignore: []string{"a", "!a/b"}}, path: "a/b", want: true},
		{name: "in a source path", src: Source{Paths: []Path{{Path: "./a/"}}}, path: "a/b", want: true},
		{name: "beside the source paths", src: Source{Paths: []Path{{Path: "a", Hash: true}, {Path: "b/c"}}}, path: "b/d", dir: true},
		{name: "above a source path", src: Source{Paths: []Path{{Path: "a/b", Hash: true}}}, path: "a", dir: true},
		{name: "a name that begins alike", src: Source{Paths: []Path{{Path: "a", Hash: true}}}, path: "ab"},
		{name: "original, hidden", src: Source{Original: true, Paths: []Path{{Path: "a"}}}, path: "a/.b", dir: true},
		{name: "original, a hidden file", src: Source{Original: true, Paths: []Path{{Path: "a"}}}, path: "a/.b", want: true},
		{name: "a bad pattern", src: Source{Paths: whole, Ignore: []string{"["}}, path: "a", err: `ignore pattern "[": syntax error in pattern; correct the pattern`},
		{name: "a bad path", src: Source{Paths: []Path{{Path: ".."}}}, path: "a", err: `source path "..": it leaves the context; give a path below the context, relative to it`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.src.Covers(test.path, test.dir)
			if got != test.want || (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
				t.Errorf("got %v and %v, want %v and %q", got, err, test.want, test.err)
			}
		})
	}
}
