package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStepsLackNetRaw: processes that runc starts have no CAP_NET_RAW. Nothing else changes.
func TestStepsLackNetRaw(t *testing.T) {
	const (
		sets    = `{"bounding":["CAP_CHOWN","CAP_NET_RAW"],"effective":["CAP_NET_RAW"],"permitted":["CAP_NET_RAW","CAP_KILL"]}`
		without = `{"bounding":["CAP_CHOWN"],"effective":[],"permitted":["CAP_KILL"]}`
	)
	tests := []struct {
		name         string
		args         []string // DIR stands for the bundle
		before, want string
		err          string
	}{
		{"run", []string{"--log", "x", "run", "--bundle", "DIR", "id"}, `{"a":12345678901234567890,"process":{"args":["sh"],"capabilities":` + sets + `}}`,
			`{"a":12345678901234567890,"process":{"args":["sh"],"capabilities":` + without + `}}`, ""},
		{"create", []string{"create", "-b", "DIR", "id"}, `{"process":{"capabilities":` + sets + `}}`, `{"process":{"capabilities":` + without + `}}`, ""},
		{"exec", []string{"exec", "--process", "DIR/config.json", "id"}, `{"capabilities":` + sets + `}`, `{"capabilities":` + without + `}`, ""},
		{"no capabilities", []string{"run", "--bundle", "DIR", "id"}, `{"process":{}}`, `{"process":{}}`, ""},
		{"kill", []string{"kill", "id", "9"}, `{}`, `{}`, ""},
		{"run without a bundle", []string{"run", "id"}, `{}`, `{}`, "no --bundle"},
		{"nonsense", []string{"run", "--bundle", "DIR", "id"}, `{`, `{`, "reading "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "config.json")
			if err := os.WriteFile(file, []byte(tt.before), 0o600); err != nil {
				t.Fatal(err)
			}
			var args []string
			for _, arg := range tt.args {
				args = append(args, strings.ReplaceAll(arg, "DIR", dir))
			}
			err := restrict(args)
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("got %v", err)
			}
			if got, _ := os.ReadFile(file); string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
