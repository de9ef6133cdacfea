package imagediff

import (
	"fmt"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

func TestConfigChanges(t *testing.T) {
	tests := []struct {
		name, from, to string // the configs
		want           []string
		details        []string
		err            string
	}{
		{name: "equal", from: `{"os":"linux","config":{"Env":["A=1","B=2"]}}`, to: `{"config":{"Env":["B=2","A=1"]},"os":"linux"}`},
		{name: "empty fields equal missing ones", from: `{"config":{"Cmd":null,"User":"","Volumes":{},"OnBuild":[],"ArgsEscaped":false}}`, to: `{}`},
		{name: "variables", from: `{"config":{"Env":["A=1","B=2","C=3=3","D"]}}`, to: `{"config":{"Env":["A=0","A=1","B=x y","E="]}}`,
			want: []string{"Env B: 2 -> x y", "Env C: 3=3 -> <nil>", "Env D:  -> <nil>", "Env E: <nil> -> "}},
		{name: "every field", from: `{"architecture":"arm64","variant":"v8","os":"linux","author":"me"}`,
			to: `{"architecture":"amd64","os":"linux","config":{"User":"u","ExposedPorts":{"80/tcp":{}},"Env":["A=1"],"Entrypoint":["e"],"Cmd":["c"],"Volumes":{"/v":{}},
				"WorkingDir":"/w","Labels":{"l":"1"},"StopSignal":"SIGINT","Shell":["sh"],"OnBuild":["RUN x"],"New":1,
				"Healthcheck":{"Test":["CMD","true"],"Interval":30000000000}}}`,
			want: []string{
				"architecture : arm64 -> amd64", "variant : v8 -> <nil>", "User : <nil> -> u", "WorkingDir : <nil> -> /w", "Entrypoint : <nil> -> [e]",
				"Cmd : <nil> -> [c]", "Shell : <nil> -> [sh]", "Env A: <nil> -> 1", "ExposedPorts 80/tcp: <nil> -> map[]", "Volumes /v: <nil> -> map[]",
				"Labels l: <nil> -> 1", "StopSignal : <nil> -> SIGINT", "Healthcheck Interval: <nil> -> 30000000000", "Healthcheck Test: <nil> -> [CMD true]",
				"OnBuild : <nil> -> [RUN x]", "New : <nil> -> 1", "author : me -> <nil>",
			}},
		{name: "the order of arguments counts", from: `{"config":{"Cmd":["a","b"]}}`, to: `{"config":{"Cmd":["b","a"]}}`, want: []string{"Cmd : [a b] -> [b a]"}},
		{name: "layers are compared separately", from: `{"rootfs":{"diff_ids":["sha256:1"]}}`, to: `{}`},
		{name: "fields about the build", from: `{"created":"2024-01-01T00:00:00Z","history":[{"created_by":"a"},{"created_by":"b"}],"config":{"Image":"sha256:1"}}`,
			to: `{"created":"2025-01-01T00:00:00Z","history":[{"created_by":"a"}],"moby.buildkit.buildinfo.v1":"x"}`,
			details: []string{
				"Image : sha256:1 -> <nil>", "created : 2024-01-01T00:00:00Z -> 2025-01-01T00:00:00Z", "history 1: map[created_by:b] -> <nil>",
				"moby.buildkit.buildinfo.v1 : <nil> -> x",
			}},
		{name: "history in order", from: `{"history":[{},{},{},{},{},{},{},{},{},{"a":1},{"a":1}]}`, to: `{"history":[{},{"a":1},{},{},{},{},{},{},{},{},{}]}`,
			details: []string{"history 1: map[] -> map[a:1]", "history 9: map[a:1] -> map[]", "history 10: map[a:1] -> map[]"}},
		{name: "no config", from: `[]`, err: "reading the config: json: cannot unmarshal array"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := readConfig([]byte(tt.from))
			if projecttest.WantError(t, err, tt.err) {
				return
			}
			b, err := readConfig([]byte(tt.to))
			if err != nil {
				t.Fatal(err)
			}
			wantLines(t, configLines(configChanges(a.facts, b.facts)), tt.want)
			wantLines(t, configLines(configChanges(a.details, b.details)), tt.details)
		})
	}
}

func configLines(changes []ConfigChange) []string {
	var all []string
	for _, c := range changes {
		all = append(all, fmt.Sprintf("%s %s: %v -> %v", c.Field, c.Key, c.From, c.To))
	}
	return all
}
