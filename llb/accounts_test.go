package llb_test

import (
	"testing"

	"github.com/rtbuild/rtbuild/llb"
)

func TestOwner(t *testing.T) {
	const root = "root:x:0:0:root:/root:/bin/sh\n"
	agent := llb.User{Name: "agent", UID: 1000, GID: 1000}
	tests := []struct {
		name          string
		user          llb.User
		passwd, group string
		want          llb.Owner
	}{
		{"an empty base", agent, "", "", llb.Owner{UID: 1000, GID: 1000}},
		{"root", llb.User{Name: "root"}, root, "root:x:0:\n", llb.Owner{}},
		{"free ids", agent, root, "root:x:0:\n", llb.Owner{UID: 1000, GID: 1000}},
		{"ids that others hold", agent, "a:x:1000:1:::\nb:x:1001:1:::\n", "a:x:1000:\n", llb.Owner{UID: 1002, GID: 1001}},
		{"a user that has them otherwise", agent, "agent:x:77:78:::\na:x:1000:1:::\n", "agent:x:78:\n", llb.Owner{UID: 77, GID: 78}},
		{"a group that is there already", agent, root, "agent:x:50:\n", llb.Owner{UID: 1000, GID: 50}},
		{"a leftover of the base", agent, "ubuntu:x:1000:1000:::\n", "ubuntu:x:1000:\n", llb.Owner{UID: 1000, GID: 1000}},
		{"two leftovers", agent, "pn:x:1000:1000:::\nubuntu:x:1001:1001:::\n", "pn:x:1000:\nubuntu:x:1001:\n", llb.Owner{UID: 1000, GID: 1000}},
		{"a leftover that holds other ids", llb.User{Name: "agent", UID: 5, GID: 5}, "ubuntu:x:1000:1000:::\n", "ubuntu:x:1000:\n", llb.Owner{UID: 5, GID: 5}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			accounts, err := llb.ParseAccounts([]byte(test.passwd), []byte(test.group))
			if err != nil {
				t.Fatal(err)
			}
			if got := accounts.Owner(test.user); got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func TestParseGlibc(t *testing.T) {
	tests := []struct {
		name, data string
		want       llb.Libc
	}{
		{"debian", "\x00GNU C Library (Debian GLIBC 2.36-9+deb12u13) stable release version 2.36.\n", llb.Libc{Version: "2.36"}},
		{"fedora", "GNU C Library (GNU libc) stable release version 2.41.\n", llb.Libc{Version: "2.41"}},
		{"old", "GNU C Library stable release version 2.12, by Roland McGrath et al.\n", llb.Libc{Version: "2.12"}},
		{"another file", "\x7fELF", llb.Libc{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := llb.ParseGlibc([]byte(test.data)); got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}
