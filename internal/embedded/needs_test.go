package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// machine makes a host with these files only.
func machine(t *testing.T, uid int, files map[string]string) *host {
	t.Helper()
	h := &host{system: linux, root: t.TempDir(), uid: uid, user: "dev"}
	h.path = []string{filepath.Join(h.root, "bin")}
	for name, text := range files {
		file := filepath.Join(h.root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// whole has everything that a normal user needs.
func whole() map[string]string {
	return map[string]string{
		"bin/buildkitd": "", "bin/runc": "", "bin/rootlesskit": "", "bin/newuidmap": "", "bin/newgidmap": "",
		"etc/subuid": "other:100000:65536\ndev:165536:65536\n", "etc/subgid": "1000:165536:65536\n",
		"proc/self/status": "Name:\tx\nCapEff:\t000001ffffffffff\n",
	}
}

// needsTests are machines, and what they lack.
var needsTests = []struct {
	name  string
	uid   int
	set   map[string]string // files that differ from the whole machine's; "-" for none
	named string            // Options.Buildkitd
	want  []string          // of each need that is not met: its name and a part of its hint
}{
	{name: "a user with everything", uid: 1000},
	{name: "root with everything"},
	{name: "root needs nothing rootless", set: map[string]string{"bin/rootlesskit": "-", "etc/subuid": "-", "bin/newuidmap": "-"}},
	{name: "no buildkitd", set: map[string]string{"bin/buildkitd": "-"}, want: []string{"buildkitd: make install"}},
	{name: "a named buildkitd that is not there", named: "/nowhere/buildkitd", want: []string{"buildkitd: /nowhere/buildkitd"}},
	{name: "no runc", set: map[string]string{"bin/runc": "-"}, want: []string{"runc: apt-get install runc"}},
	{
		name: "root of a container", set: map[string]string{"proc/self/status": "CapEff:\t00000000a80425fb\n"},
		want: []string{"the right to mount: root has no CAP_SYS_ADMIN"},
	},
	{name: "no rootlesskit", uid: 1000, set: map[string]string{"bin/rootlesskit": "-"}, want: []string{"rootlesskit: apt-get install rootlesskit"}},
	{
		name: "no uidmap", uid: 1000, set: map[string]string{"bin/newuidmap": "-", "bin/newgidmap": "-"},
		want: []string{"newuidmap: apt-get install uidmap", "newgidmap: apt-get install uidmap"},
	},
	{
		name: "no ranges", uid: 1000, set: map[string]string{"etc/subuid": "-", "etc/subgid": "other:100000:65536\n"},
		want: []string{"/etc/subuid: the user needs", "/etc/subgid: the user needs"},
	},
	{
		name: "a short range", uid: 1000, set: map[string]string{"etc/subuid": "dev:100000:1000\n"},
		want: []string{"/etc/subuid: the user needs 65536"},
	},
	{
		name: "ranges that add up", uid: 1000, set: map[string]string{"etc/subuid": "dev:100000:60000\n1000:200000:6000\n"},
	},
	{
		name: "no namespaces", uid: 1000, set: map[string]string{"proc/sys/user/max_user_namespaces": "0\n"},
		want: []string{"user namespaces: they are disabled: sysctl -w user.max_user_namespaces"},
	},
	{
		name: "no namespaces in Debian's way", uid: 1000, set: map[string]string{"proc/sys/kernel/unprivileged_userns_clone": "0\n"},
		want: []string{"user namespaces: they are disabled: sysctl -w kernel.unprivileged_userns_clone=1"},
	},
	{
		name: "no namespaces in Ubuntu's way", uid: 1000, set: map[string]string{"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n"},
		want: []string{"user namespaces: AppArmor"},
	},
	{
		name: "a profile in Ubuntu", uid: 1000,
		set: map[string]string{"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n", "etc/apparmor.d/usr.bin.rootlesskit": ""},
	},
}

func TestNeeds(t *testing.T) {
	t.Setenv(BuildkitdEnv, "")
	for _, test := range needsTests {
		t.Run(test.name, func(t *testing.T) {
			files := whole()
			for name, text := range test.set {
				files[name] = text
				if text == "-" {
					delete(files, name)
				}
			}
			var got []string
			for _, n := range machine(t, test.uid, files).needs(Options{Buildkitd: test.named}) {
				if !n.OK {
					got = append(got, n.Name+": "+n.Hint)
				}
			}
			compare(t, got, test.want)
		})
	}
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range got {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}

// TestOtherSystems: a Mac or a Windows machine needs one thing, and the text says what to do instead.
func TestOtherSystems(t *testing.T) {
	for _, system := range []string{"darwin", "windows"} {
		h := machine(t, 1000, whole())
		h.system = system
		needs := h.needs(Options{})
		if len(needs) != 1 || needs[0].OK || needs[0].Name != "Linux" {
			t.Fatalf("%s: got %v", system, needs)
		}
		if err := supported(system); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "--addr or --builder") {
			t.Errorf("%s: got %v", system, err)
		}
	}
	if err := supported(linux); err != nil {
		t.Error(err)
	}
}

func TestMissingNamesEverything(t *testing.T) {
	t.Setenv(BuildkitdEnv, "")
	err := missing(machine(t, 1000, nil).needs(Options{}))
	if !errors.Is(err, ErrMissing) {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"buildkitd", "runc", "rootlesskit", "newuidmap", "newgidmap", "/etc/subuid", "/etc/subgid", "--addr"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q is not in %v", name, err)
		}
	}
	if err := missing(machine(t, 1000, whole()).needs(Options{})); err != nil {
		t.Error(err)
	}
}

func TestBuildkitdNextToTheProgram(t *testing.T) {
	t.Setenv(BuildkitdEnv, "")
	h := machine(t, 0, map[string]string{"bin/buildkitd": "", "own/buildkitd": ""})
	h.self = filepath.Join(h.root, "own")
	if got := h.buildkitd(Options{}); got != filepath.Join(h.self, "buildkitd") {
		t.Errorf("got %s", got)
	}
	installed := machine(t, 0, map[string]string{"bin/buildkitd": "", "libexec/rtbuild/buildkitd": ""})
	installed.self = filepath.Join(installed.root, "bin-of-ours")
	if got := installed.buildkitd(Options{}); got != filepath.Join(installed.root, "libexec/rtbuild/buildkitd") {
		t.Errorf("got %s", got)
	}
	t.Setenv(BuildkitdEnv, filepath.Join(h.root, "bin/buildkitd"))
	if got := h.buildkitd(Options{}); got != filepath.Join(h.root, "bin/buildkitd") {
		t.Errorf("got %s", got)
	}
}

func TestMountsProc(t *testing.T) {
	tests := []struct {
		name, mounts string
		want         bool
	}{
		{"a host", "24 1 0:22 / /proc rw - proc proc rw\n25 24 0:23 / /proc/sys/fs/binfmt_misc rw - autofs x rw\n", true},
		{"a container", "24 1 0:22 / /proc rw - proc proc rw\n25 24 0:22 /sys /proc/sys ro - proc proc rw\n", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := machine(t, 1000, map[string]string{"proc/self/mountinfo": test.mounts})
			if got := h.mountsProc(); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
