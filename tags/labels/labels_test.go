package labels

import "testing"

func TestCheckKeys(t *testing.T) {
	const want = "label io.rtbuild.a is rtbuild's own: later builds rely on it; choose another key"
	if err := CheckKeys(map[string]string{"io.rtbuild.b": "", "x": "", "io.rtbuild.a": ""}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := CheckKeys(map[string]string{"io.rtbuilder": "", "a.io.rtbuild.b": ""}); err != nil {
		t.Error(err)
	}
}

func TestCommandValue(t *testing.T) {
	for want, cmd := range map[string][]string{"null": nil, "[]": {}, `["a","b c"]`: {"a", "b c"}} {
		if got := CommandValue(cmd); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
