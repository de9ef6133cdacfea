package solve

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func timeOf(seconds int64) time.Time { return time.Unix(seconds, 0) }

// TestModTime: time stamps are the same for the same content and installation, and different otherwise.
func TestModTime(t *testing.T) {
	dir := t.TempDir()
	here, again, elsewhere := OpenInstallation(dir), OpenInstallation(dir), OpenInstallation(t.TempDir())
	one, other := sha256.Sum256([]byte("1.0.1")), sha256.Sum256([]byte("1.0.2"))
	stamp := here.modTime(one)
	if !stamp.Equal(again.modTime(one)) {
		t.Error("the same content has another time stamp the next time")
	}
	if stamp.Equal(here.modTime(other)) {
		t.Error("another content has the same time stamp")
	}
	if stamp.Equal(elsewhere.modTime(one)) {
		t.Error("time stamps can be computed without the secret")
	}
	for i := range 1000 {
		if at := here.modTime(sha256.Sum256([]byte{byte(i), byte(i >> 8)})); at.Year() < 1987 || at.Year() > 2021 {
			t.Fatalf("time stamp %v", at)
		}
	}
}

// TestSharedKeyNamesMachineUserAndPath: keys of different directories and installations differ.
func TestSharedKeyNamesMachineUserAndPath(t *testing.T) {
	dir := t.TempDir()
	here, elsewhere := OpenInstallation(dir), OpenInstallation(t.TempDir())
	if here.SharedKey("/workspace") != OpenInstallation(dir).SharedKey("/workspace") {
		t.Error("a directory has another name the next time")
	}
	if here.SharedKey("/workspace") == elsewhere.SharedKey("/workspace") || here.SharedKey("/a") == here.SharedKey("/b") {
		t.Error("two directories have one name")
	}
}

// TestReadableByOthers: on Windows, every file that may be written has mode 0666.
func TestReadableByOthers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	write(t, file, "", 0o644)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	for system, want := range map[string]bool{"linux": true, "darwin": true, "windows": false} {
		if got := readableByOthers(info, system); got != want {
			t.Errorf("%s: got %t", system, got)
		}
	}
}

// TestInstallationIsKept: OpenInstallation replaces an invalid secret by a new one, which only this user can read. If it cannot write
// one, all installations differ.
func TestInstallationIsKept(t *testing.T) {
	tests := []struct {
		name  string
		there func(t *testing.T, file string)
		kept  bool
	}{
		{"nothing", func(*testing.T, string) {}, true},
		{"an empty file, after a crash", func(t *testing.T, file string) { write(t, file, "", 0o600) }, true},
		{"a file that others may read", func(t *testing.T, file string) { write(t, file, string(newSecret()), 0o644) }, true},
		{"a directory", func(t *testing.T, file string) {
			write(t, filepath.Join(file, "x"), "", 0o600)
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, installationFile)
			tt.there(t, file)
			first, next := OpenInstallation(dir).SharedKey("/a"), OpenInstallation(dir).SharedKey("/a")
			if same := first == next; same != tt.kept {
				t.Errorf("the same the next time: %t", same)
			}
			if info, err := os.Stat(file); tt.kept && (err != nil || info.Mode().Perm() != 0o600) {
				t.Errorf("the secret is %v, %v", info, err)
			}
		})
	}
	if first, next := OpenInstallation("").SharedKey("/a"), OpenInstallation("").SharedKey("/a"); first == next {
		t.Error("without a directory two secrets are the same")
	}
}

func write(t *testing.T, file, content string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(content), mode)); err != nil {
		t.Fatal(err)
	}
}
