package solve

import (
	"testing"

	"github.com/moby/buildkit/client"

	"github.com/rtbuild/rtbuild/internal/engine"
)

// TestLoads: an engine gets the full form of every name of an image, however many there are, and stores what --load would load.
func TestLoads(t *testing.T) {
	load := Export{loads: true, ExportEntry: client.ExportEntry{Type: client.ExporterDocker, Attrs: map[string]string{"name": "r.example.com/a:source,me/agent:dev"}}}
	archive := Export{ExportEntry: client.ExportEntry{Type: client.ExporterOCI, Attrs: map[string]string{"name": "a:1"}}}
	b := &Builder{Engine: new(engine.Engine)}
	got := b.Loads([]Export{load, ImageExport(false, "a:1", "b:2"), ImageExport(true, "*"), archive})
	for i, want := range []string{"r.example.com/a:source,docker.io/me/agent:dev", "docker.io/library/a:1,docker.io/library/b:2", "*", "a:1"} {
		if name := got[i].Attrs["name"]; name != want {
			t.Errorf("export %d: got %q, want %q", i, name, want)
		}
	}
	if got[0].Type != client.ExporterImage || got[0].Attrs["unpack"] != "true" {
		t.Errorf("--load: got %+v", got[0])
	}
	if same := new(Builder).Loads([]Export{load}); same[0].Type != client.ExporterDocker {
		t.Errorf("on another builder: got %+v", same[0])
	}
}
