package imagediff

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// pair returns two images with many kinds of differences. Their shared layers are unread.
func pair(t *testing.T) (a, b *Image) {
	t.Helper()
	base, top := layer{file("base", "1")}, layer{file("top", "1")}
	a = imageOf(t, "example.com/a:1", base, layer{
		dir("etc", 0o755), file("etc/passwd", "1"), dir("gone", 0o700), file("gone/x", strings.Repeat("x", 1500)), file("gone/y", ""),
	}, top)
	b = imageOf(t, "example.com/a@sha256:1", base, top, layer{
		dir("etc", 0o755), file("etc/passwd", "2").mode(0o600), dir("new", 0o755), dir("empty", 0o755), file("new\n/\x1b[2J", "1"), whiteout(".wh.old"),
	})
	a.config = configOf(t, `{"created":"2024-01-01T00:00:00Z","config":{"Env":["PATH=/a:/b","X=1"],"Cmd":["sh"],"Healthcheck":{"Interval":30000000000,"Retries":3}}}`)
	b.config = configOf(t, `{"created":"2025-01-01T00:00:00Z","config":{"Env":["PATH=/b:/c:/a","Y=a b"],"Cmd":["sh","-c","a \"b\""],"Healthcheck":{"Interval":1500000000,"Retries":4},
		"ExposedPorts":{"80/tcp":{}}}}`)
	a.Layers[1].CreatedBy = "RUN set -e;\n  echo \x1b[2J\t" + strings.Repeat("and more ", 20)
	for _, img := range []*Image{a, b} {
		img.Platform = ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	}
	forget(a, b, 1)
	return a, b
}

func configOf(t *testing.T, raw string) config {
	t.Helper()
	c, err := readConfig([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const printed = `--- example.com/a:1@DIGEST  linux/amd64, 3 layers, 9.7 kB
+++ example.com/a@sha256:1  linux/amd64, 3 layers, 9.2 kB

config
  ~ Cmd: [sh] -> [sh, -c, "a \"b\""]
  ~ Env PATH:
      - /a
        /b
      + /c
      + /a
  - Env X: 1
  + Env Y: "a b"
  + ExposedPorts 80/tcp: {}
  ~ Healthcheck Interval: 30s -> 1.5s
  ~ Healthcheck Retries: 3 -> 4

layers: the first is shared (2.0 kB)
  - sha256:DIGEST    5.6 kB  RUN set -e; echo \033[2J and more and more and more and more and more and more and more and more an...
    sha256:DIGEST    2.0 kB
  + sha256:DIGEST    5.1 kB

files
  ? /empty            as in the shared layers -> directory 0755 0:0
  ~ /etc/passwd       mode 0644 -> 0600, content (1 byte)
  ? /gone             directory 0700 0:0 -> as in the shared layers
  ? /gone/x           file 0644 0:0, 1.5 kB -> as in the shared layers
  ? /gone/y           file 0644 0:0, 0 B -> as in the shared layers
  ? /new              as in the shared layers -> directory 0755 0:0
  ? "/new\n/\033[2J"  as in the shared layers -> file 0644 0:0, 1 B
  ? /old              as in the shared layers -> nothing

7 config fields differ; 1 path changed; 7 paths unknown, because the shared layers were not read
`

func TestString(t *testing.T) {
	a, b := pair(t)
	d := Compare(a, b)
	want := strings.Replace(printed, "a:1@DIGEST", "a:1@"+a.Digest.String(), 1)
	for _, l := range []Layer{a.Layers[1], a.Layers[2], b.Layers[2]} {
		want = strings.Replace(want, "sha256:DIGEST", short(l), 1)
	}
	wantLines(t, strings.Split(d.String(), "\n"), strings.Split(want, "\n"))
}

func TestPrintDirectories(t *testing.T) {
	from := []layer{{dir("d", 0o755), file("d/a", "1"), file("e", "1")}}
	to := []layer{{dir("new", 0o700), file("new/x", strings.Repeat("x", 1500)), dir("new/d", 0o755), file("new/d/y", ""), dir("newer", 0o755), file("e/x/y", "")}}
	short := []string{
		"- /d/  directory 0755 0:0, 1 entry in it, 1 B", "~ /e  file 0644 0:0, 1 B -> directory 0755 0:0",
		"+ /e/x/  directory 0755 0:0, 1 entry in it", "+ /new/  directory 0700 0:0, 3 entries in it, 1.5 kB", "+ /newer  directory 0755 0:0",
	}
	long := []string{
		"- /d  directory 0755 0:0", "- /d/a  file 0644 0:0, 1 B", "~ /e  file 0644 0:0, 1 B -> directory 0755 0:0", "+ /e/x  directory 0755 0:0",
		"+ /e/x/y  file 0644 0:0, 0 B", "+ /new  directory 0700 0:0", "+ /new/d  directory 0755 0:0", "+ /new/d/y  file 0644 0:0, 0 B",
		"+ /new/x  file 0644 0:0, 1.5 kB", "+ /newer  directory 0755 0:0",
	}
	d := Compare(imageOf(t, "a", from...), imageOf(t, "b", to...))
	for verbose, want := range map[bool][]string{false: short, true: long} {
		var got []string
		for _, l := range fileLines(d.Files, verbose) {
			got = append(got, fmt.Sprintf("%c %s  %s", l.sign, l.path, l.text))
		}
		wantLines(t, got, want)
	}
}

func TestConclusion(t *testing.T) {
	one, two := layer{file("a", "1")}, layer{file("b", "12")}
	tests := []struct {
		name           string
		from, to       []layer
		fromRaw, toRaw string
		same           bool // by digest
		want           string
		equal          bool
	}{
		{name: "same", from: []layer{one}, to: []layer{one}, same: true, equal: true,
			want: "The images are the same: " + digest.FromString("manifest of a").String()},
		{name: "other history", from: []layer{one}, to: []layer{one}, fromRaw: `{"created":"2024-01-01T00:00:00Z"}`, equal: true,
			want: "The images are equal: same files, same config, same layers; only what the config says about the build differs"},
		{name: "other layers", from: []layer{one, two}, to: []layer{two, one}, equal: true,
			want: "The images are equal: same files, same config; their layers differ"},
		{name: "config", from: []layer{one}, to: []layer{one}, toRaw: `{"config":{"User":"x"}}`, want: "1 config field differs; the files are the same"},
		{name: "files", from: []layer{one}, to: []layer{two}, want: "the config is the same; 1 path added (2 B); 1 path removed (1 B)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := imageOf(t, "a", tt.from...), imageOf(t, "b", tt.to...)
			if tt.same {
				b.Manifest = a.Manifest
			}
			for img, raw := range map[*Image]string{a: tt.fromRaw, b: tt.toRaw} {
				if raw != "" {
					img.config = configOf(t, raw)
				}
			}
			d := Compare(a, b)
			text := strings.TrimSuffix(d.String(), "\n")
			if got := text[strings.LastIndex(text, "\n")+1:]; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if d.Equal() != tt.equal {
				t.Errorf("equal: %v", d.Equal())
			}
		})
	}
}

func TestPrintVerbose(t *testing.T) {
	a, b := pair(t)
	var out strings.Builder
	if err := Compare(a, b).Print(&out, true); err != nil {
		t.Fatal(err)
	}
	if want := "\nconfig, about the build\n  ~ created: 2024-01-01T00:00:00Z -> 2025-01-01T00:00:00Z\n"; !strings.Contains(out.String(), want) {
		t.Errorf("%q is not in\n%s", want, out.String())
	}
	full := errors.New("full")
	if err := Compare(a, b).Print(failing{full}, false); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

func (f failing) Write([]byte) (int, error) { return 0, f.error }

func TestJSON(t *testing.T) {
	a, b := pair(t)
	data, err := json.Marshal(Compare(a, b))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Equal   bool
		From    struct{ Reference string }
		Shared  int `json:"sharedLayers"`
		Config  []ConfigChange
		Details []ConfigChange
		Files   []struct {
			Path, Kind string
			Differs    []string
			From, To   *struct{ Mode, Type string }
			AsShared   string
		}
		Summary Summary
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Equal || got.From.Reference != a.Reference || got.Shared != 1 || len(got.Config) != 7 || len(got.Details) != 1 ||
		got.Summary != (Summary{Config: 7, Changed: 1, Unknown: 7}) {
		t.Errorf("got %s", data)
	}
	if f := got.Files[1]; f.Path != "/etc/passwd" || f.Kind != "changed" || strings.Join(f.Differs, " ") != "mode content" || f.From.Mode != "0644" || f.To.Mode != "0600" {
		t.Errorf("got %+v", f)
	}
	if f := got.Files[7]; f.Path != "/old" || f.Kind != "unknown" || f.From != nil || f.To != nil || f.AsShared != "from" {
		t.Errorf("got %+v", f)
	}
	same, err := json.Marshal(Compare(a, a))
	if err != nil || !strings.HasPrefix(string(same), `{"equal":true,`) || !strings.Contains(string(same), `"config":[],"details":[],"files":[]`) {
		t.Errorf("got %s, %v", same, err)
	}
}

func TestQuote(t *testing.T) {
	tests := []struct{ name, value, want, wantValue string }{
		{name: "plain", value: "/a/b-c", want: "/a/b-c", wantValue: "/a/b-c"},
		{name: "empty", wantValue: `""`},
		{name: "spaces", value: "/a b", want: "/a b", wantValue: `"/a b"`},
		{name: "other scripts", value: "/é/日本", want: "/é/日本", wantValue: "/é/日本"},
		{name: "quote and backslash", value: `a"b\c`, want: `"a\"b\\c"`, wantValue: `"a\"b\\c"`},
		{name: "C's escapes", value: "\a\b\t\n\v\f\r", want: `"\a\b\t\n\v\f\r"`, wantValue: `"\a\b\t\n\v\f\r"`},
		{name: "terminal", value: "\x1b[2J\x7f", want: `"\033[2J\177"`, wantValue: `"\033[2J\177"`},
		{name: "terminal, in UTF-8", value: "\u009b2J", want: `"\302\2332J"`, wantValue: `"\302\2332J"`},
		{name: "right to left", value: "a\u202eb", want: `"a\342\200\256b"`, wantValue: `"a\342\200\256b"`},
		{name: "not UTF-8", value: "a\xff\xfe", want: `"a\377\376"`, wantValue: `"a\377\376"`},
		{name: "the replacement character itself", value: "a\ufffd", want: "a\ufffd", wantValue: "a\ufffd"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := quote(tt.value); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := quoteValue(tt.value); got != tt.wantValue {
				t.Errorf("value: got %s, want %s", got, tt.wantValue)
			}
		})
	}
}

func TestEdits(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{name: "nothing"},
		{name: "equal", from: "a b", to: "a b", want: " a  b"},
		{name: "inserted", from: "a c", to: "a b c", want: " a +b  c"},
		{name: "removed", from: "a b c", to: "a c", want: " a -b  c"},
		{name: "replaced", from: "a b", to: "c b", want: "-a +c  b"},
		{name: "moved", from: "a b c", to: "c a b", want: "+c  a  b -c"},
		{name: "all new", to: "a b", want: "+a +b"},
		{name: "all gone", from: "a b", want: "-a -b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, e := range edits(strings.Fields(tt.from), strings.Fields(tt.to)) {
				got = append(got, string(e.sign)+e.value)
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 151_500_000: "151.5 MB", 6_500_000_000: "6.5 GB"} {
		if got := size(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
