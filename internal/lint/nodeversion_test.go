package lint

import (
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

func TestOtherNode(t *testing.T) {
	tests := []struct {
		name    string
		runtime string
		files   []string
		want    string
	}{
		{"as the project asks", "", []string{".nvmrc", "20"}, ""},
		{"another line", "runtime: {node: 22}", []string{".nvmrc", "v20.1.0\n"},
			".nvmrc asks for Node.js v20.1.0, and the image has 22.23.3: write runtime: {node: VERSION}, with a version that fits, or change .nvmrc if Node.js 22 is right"},
		{"outside of the range", "runtime: {node: 22}", []string{"package.json", "{\n\"engines\": {\"node\": \">=24\"}}"},
			"package.json asks for Node.js >=24, and the image has 22.23.3: write runtime: {node: VERSION}, with a version that fits, or change package.json if Node.js 22 is right"},
		{"outside of devEngines", "runtime: {node: 22}", []string{"package.json", "{\"engines\": {\"node\": \">=20\"},\n\"devEngines\": {\"runtime\": {\"name\": \"node\", \"version\": \">=24\"}}}"},
			"package.json asks for Node.js >=24, and the image has 22.23.3: write runtime: {node: VERSION}, with a version that fits, or change package.json if Node.js 22 is right"},
		{"no pinned version fits", "", []string{"package.json", "{\n\"engines\": {\"node\": \"18\"}}"},
			"package.json asks for Node.js 18, and the image has 22.23.3: write runtime: {node: VERSION}, with a version that fits, or change package.json if Node.js 22 is right"},
		{"the base's", "runtime: {node: 18}", []string{"package.json", `{"engines": {"node": ">=18.2"}}`, ".nvmrc", "18"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := projecttest.Files(append([]string{"package-lock.json", "{}", "runtime.yaml", "base: a\n" + test.runtime}, test.files...)...)
			r, err := profile.Load(files, profile.Options{})
			if err != nil {
				t.Fatal(err)
			}
			found := otherNode(Input{Runtime: r, Project: files})
			switch {
			case test.want == "" && len(found) == 0:
			case len(found) != 1 || found[0].Detail != test.want:
				t.Errorf("found %+v", found)
			case found[0].File == "package.json" && found[0].First != 2:
				t.Errorf("it is in line %d", found[0].First)
			}
		})
	}
}
