package manifests

import "testing"

// TestTokens checks what is taken for a secret in settings of npm and of yarn.
func TestTokens(t *testing.T) {
	for _, tt := range []struct {
		name, npm, yarn string
		want            bool
	}{
		{"a text", "_authToken=npm_a", "npmAuthToken: npm_a", true},
		{"a quoted text", `_authToken="npm_a"`, `npmAuthToken: "npm_a"`, true},
		{"a variable", "_authToken=${T}", "npmAuthToken: ${T}", false},
		{"a quoted variable", `_authToken="${T}"`, `npmAuthToken: "${T}"`, false},
		{"a variable with a default", "_authToken=${T:-npm_a}", `npmAuthToken: "${T:-npm_a}"`, true},
		{"a variable with an empty default", "_authToken=${T-}", `npmAuthToken: "${T:-}"`, false},
		{"a text behind a variable", "_authToken=${T}npm_a", "npmAuthToken: ${T}npm_a", true},
		{"a dollar", "_authToken=$npm_a", "npmAuthToken: $npm_a", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if NPMToken.MatchString("//r.example.com/:"+tt.npm+"\n") != tt.want || yarnToken.MatchString(tt.yarn+"\n") != tt.want {
				t.Errorf("want %t of %q and %q", tt.want, tt.npm, tt.yarn)
			}
		})
	}
	if NPMToken.MatchString("//r.example.com/:_authToken=\nregistry=https://r.example.com/\n") {
		t.Error("the next line is no token")
	}
}
