package solve

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func timeOf(seconds int64) time.Time { return time.Unix(seconds, 0) }

// TestTimeStampsAreOfContents: equal contents have one time stamp, others have others, and so do other installations.
func TestTimeStampsAreOfContents(t *testing.T) {
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

// TestSharedKeyNamesMachineUserAndPath: a builder keeps the copies of each apart.
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

// TestInstallationNeedsNoDirectory: where nothing can be kept, all installations differ.
func TestInstallationNeedsNoDirectory(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(blocked, "below")
	if OpenInstallation(dir).SharedKey("/a") == OpenInstallation(dir).SharedKey("/a") {
		t.Error("two secrets are the same")
	}
	kept := t.TempDir()
	OpenInstallation(kept)
	info, err := os.Stat(filepath.Join(kept, installationFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret is %v, %v", info, err)
	}
}
