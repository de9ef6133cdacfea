package llb_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/llb"
)

// FuzzOSRelease shows that a base may say of its distribution what it likes: a field is one line, and the release has a
// name, as the cache of its packages needs one.
func FuzzOSRelease(f *testing.F) {
	for _, seed := range []string{
		"ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n", "ID='a'\nID_LIKE=\"rhel fedora\"", "ID=\"a\nVERSION_ID=1", "=\n#\n=x",
		"VERSION_CODENAME=$(reboot)", "ID=\x00", "ID=\"it's\"", "\xff\xfe", "PRETTY_NAME=" + strings.Repeat("x", 70000) + "\nID=debian", "ID=ubuntu\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := llb.ParseOSRelease(bytes.Clone(data))
		if d.Release == "" || d.Manager != nil && d.Manager.Name == "" {
			t.Fatalf("%+v", d)
		}
		for _, field := range append([]string{d.ID, d.Release, d.Pretty}, d.Like...) {
			if strings.Contains(field, "\n") || !bytes.Contains(slices.Concat(data, []byte("unknown")), []byte(field)) {
				t.Fatalf("the field %q", field)
			}
		}
		if again := llb.ParseOSRelease(data); !reflect.DeepEqual(again, d) {
			t.Fatalf("not the same again: %+v", again)
		}
	})
}
