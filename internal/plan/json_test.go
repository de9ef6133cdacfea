package plan_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/tags"
)

// TestPlanFromJSON checks that a plan survives encoding, as when one frontend hands it to another.
func TestPlanFromJSON(t *testing.T) {
	made, err := plan.Make(plan.Input{Base: "debian", Tags: tags.Set{Images: images}, Lock: list(image("r:lock", plan.StageDeps, baseName, ""))})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(made.JSON())
	if err != nil {
		t.Fatal(err)
	}
	var read plan.JSON
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made.JSON(), read.Plan().JSON()); diff != "" {
		t.Error(diff)
	}
}
