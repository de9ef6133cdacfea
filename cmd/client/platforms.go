package main

import (
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// parsePlatforms reads --platform as buildx does: repeatable, comma-separated, "local" for this machine's, which is also
// what no flag at all gives. Each is given once.
func parsePlatforms(given []string) ([]ocispecs.Platform, error) {
	if len(given) == 0 {
		given = []string{"local"}
	}
	var all []ocispecs.Platform
	seen := map[string]bool{}
	for text := range strings.SplitSeq(strings.Join(given, ","), ",") {
		platform := platforms.DefaultSpec()
		if !strings.EqualFold(text, "local") {
			var err error
			if platform, err = platforms.Parse(text); err != nil {
				return nil, fmt.Errorf("invalid --platform %q: it is os/arch[/variant], or several with commas between: %w", text, err)
			}
		}
		platform = platforms.Normalize(platform)
		if name := platforms.Format(platform); !seen[name] {
			seen[name] = true
			all = append(all, platform)
		}
	}
	return all, nil
}
