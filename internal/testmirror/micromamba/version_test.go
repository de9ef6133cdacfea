package main

import "testing"

func TestAllows(t *testing.T) {
	for _, test := range []struct {
		spec, version string
		want          bool
	}{
		{"python=3.13", "3.13.5", true},
		{"python=3.13", "3.131.0", false},
		{"python=3.1", "3.13.5", false},
		{"python==3.13", "3.13.5", false},
		{"python==3.13.5", "3.13.5", true},
		{"python=3.13.*", "3.13.5", true},
		{"python>=3.12,<3.13", "3.13.5", false},
		{"python >=3.13,<3.14.0a0", "3.13.5", true},
		{"python >=3.13,<3.14.0a0", "3.14.0", false},
		{"python >=3.13,<3.14.0a0 *_cp313", "3.13.5", true},
		{"conda-forge::poetry", "2.1.2", true},
		{"poetry !=2.1.*", "2.1.2", false},
		{"poetry *", "2.1.2", true},
	} {
		s, err := parseSpec(test.spec)
		if err != nil {
			t.Errorf("%s: %v", test.spec, err)
			continue
		}
		if got, err := s.allows(test.version); err != nil || got != test.want {
			t.Errorf("%s allows %s: %v, %v", test.spec, test.version, got, err)
		}
	}
	if s, err := parseSpec("python~=3.1"); err == nil {
		if _, err := s.allows("3.13"); err == nil {
			t.Error("~= is accepted")
		}
	}
}
