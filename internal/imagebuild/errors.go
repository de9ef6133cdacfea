package imagebuild

import (
	"fmt"
	"strings"
)

// ImageError reports that the builder could not resolve an image.
type ImageError struct {
	Ref, Platform string
	Err           error
}

func (e *ImageError) Error() string {
	switch e.Kind() {
	case Absent:
		return fmt.Sprintf("image %s does not exist for %s: check its name and tag: %v", e.Ref, e.Platform, e.Err)
	case Denied:
		return fmt.Sprintf("the builder may not read image %s: log in to its registry: %v", e.Ref, e.Err)
	}
	return fmt.Sprintf("the builder cannot resolve image %s: %v", e.Ref, e.Err)
}

func (e *ImageError) Unwrap() error { return e.Err }

// OtherPlatforms reports whether the image exists, but only for other platforms.
func (e *ImageError) OtherPlatforms() bool {
	return strings.Contains(e.Err.Error(), "no match for platform in manifest")
}

// Kind is the reason why the builder could not resolve an image.
type Kind int

// The kinds. Unreachable includes every error that is not clearly one of the others.
const (
	Unreachable Kind = iota
	Absent
	Denied
)

// Kind reads the reason from the error's text, because BuildKit returns one code for all of them. Unknown texts are Unreachable, never
// Absent: only a definite "not found" may start a build.
func (e *ImageError) Kind() Kind {
	text := e.Err.Error()
	switch {
	case strings.HasSuffix(text, ": not found"), e.OtherPlatforms():
		return Absent
	case strings.Contains(text, "401 Unauthorized"), strings.Contains(text, "403 Forbidden"),
		strings.Contains(text, "insufficient_scope"), strings.Contains(text, "authorization failed"):
		return Denied
	}
	return Unreachable
}
