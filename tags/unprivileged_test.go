package tags

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestUnprivileged repeats the tests that depend on permissions as user nobody if this user is root. Root can read every file,
// and the original's vectors were made by an unprivileged user. Any other user has run these tests already.
func TestUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	// Through this path, user nobody can run the test binary although its directory is not accessible.
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^(TestSourceVectors|TestUnreadable)$", "-test.v")
	cmd.Dir = "/"
	cmd.Env = []string{"TMPDIR=/tmp"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	} else if !containsAll(string(out), "--- PASS: TestSourceVectors ", "--- PASS: TestUnreadable ") {
		t.Fatalf("not run:\n%s", out)
	}
}

// TestUnreadable checks files without read permission. Root can read all of them.
func TestUnreadable(t *testing.T) {
	tests := []struct {
		name    string
		entries []entry
		locks   []string
		want    string // the error; empty for none
	}{
		{
			name:    "file",
			entries: []entry{file("a", "1"), file("d/s", "2").mode("0000"), file("e", "3").mode("0000")},
			want:    `source "d/s": permission denied; make it readable for this user, or leave it out of the source`,
		}, {
			name:    "directory",
			entries: []entry{file("a", "1"), dir("d").mode("0000")},
			want:    `source "d": permission denied; make it readable for this user, or leave it out of the source`,
		}, {
			name:    "directory that cannot be searched",
			entries: []entry{file("a", "1"), file("d/x", "2"), dir("d").mode("0444")},
			want:    `source "d/x": permission denied; make it readable for this user, or leave it out of the source`,
		}, {
			name:    "target of a link",
			entries: []entry{file("a", "1"), link("l", "d/x"), file("d/x", "2"), dir("d").mode("0000")},
			want:    `source "d": permission denied; make it readable for this user, or leave it out of the source`,
		}, {
			name:    "lock file",
			entries: []entry{file("a", "1"), file("lock", "2").mode("0000")},
			locks:   []string{"lock"},
			want:    `lock file "lock": permission denied; make it readable for this user`,
		}, {
			name:    "directory of a lock file",
			entries: []entry{file("a", "1"), file("d/lock", "2"), dir("d").mode("0000")},
			locks:   []string{"d/lock"},
			want:    `lock file "d/lock": permission denied; make it readable for this user`,
		}, {
			name:    "ignored directory",
			entries: []entry{file("a", "1"), dir(".git").mode("0000"), dir("__pycache__").mode("0000")},
		}, {
			name:    "ignored file",
			entries: []entry{file("a", "1"), file("x.pyc", "1").mode("0000")},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := Inputs{Base: "debian", LockFiles: tt.locks, Source: Source{Paths: wholeTree.Paths, Original: true}}
			_, _, err := Compute(t.Context(), tree(t, tt.entries...), in)
			if os.Geteuid() == 0 {
				tt.want = ""
			}
			checkError(t, err, tt.want)
		})
	}
}
