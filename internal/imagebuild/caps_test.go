package imagebuild

import (
	"errors"
	"slices"
	"testing"

	"github.com/moby/buildkit/solver/pb"
	apipb "github.com/moby/buildkit/util/apicaps/pb"
)

func TestCheckCaps(t *testing.T) {
	without := func(ids ...string) []*apipb.APICap {
		var all []*apipb.APICap
		for _, c := range pb.Caps.All() {
			if !slices.Contains(ids, c.ID) {
				all = append(all, c)
			}
		}
		return all
	}
	tests := []struct {
		name    string
		has     []*apipb.APICap
		missing []string
	}{
		{"all of this release", pb.Caps.All(), nil},
		{"no symbolic links", without(string(pb.CapFileSymlinkCreate)), []string{"file.symlink.create"}},
		{"no merge, no diff", without("mergeop", "diffop"), []string{"mergeop", "diffop"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckCaps(pb.Caps.CapSet(tt.has))
			var old *TooOldError
			if errors.As(err, &old); (err != nil) != (tt.missing != nil) {
				t.Fatalf("got %v", err)
			}
			if old != nil && !slices.Equal(old.Missing, tt.missing) {
				t.Errorf("got %v, want %v", old.Missing, tt.missing)
			}
		})
	}
}

func TestImageErrorKind(t *testing.T) {
	tests := []struct {
		text string
		want Kind
	}{
		{"docker.io/library/x:y: not found", Absent},
		{"no match for platform in manifest sha256:abc: not found", Absent},
		{"failed to authorize: failed to fetch anonymous token: unexpected status from GET request to x: 401 Unauthorized", Denied},
		{"unexpected status from HEAD request to http://x/v2/a/manifests/b: 403 Forbidden", Denied},
		{"pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials", Denied},
		{"unexpected status from HEAD request to http://x/v2/a/manifests/b: 429 Too Many Requests", Unreachable},
		{"unexpected status from HEAD request to http://x/v2/a/manifests/b: 500 Internal Server Error", Unreachable},
		{"dial tcp 127.0.0.1:1: connect: connection refused", Unreachable},
		{"something new", Unreachable},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			e := &ImageError{Ref: "a:b", Platform: "linux/amd64", Err: errors.New(tt.text)}
			if got := e.Kind(); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
			if e.Error() == "" || !errors.Is(e, e.Err) {
				t.Error("it has no text or no cause")
			}
		})
	}
}
