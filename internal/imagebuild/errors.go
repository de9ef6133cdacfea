package imagebuild

import (
	"fmt"
	"strings"
)

// ImageError says that the image a build enters on could not be resolved by the builder.
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

// OtherPlatforms reports whether there is an image under the name, but for other platforms.
func (e *ImageError) OtherPlatforms() bool {
	return strings.Contains(e.Err.Error(), "no match for platform in manifest")
}

// Kind tells why an image could not be resolved.
type Kind int

// What is not surely absent or denied is unreachable.
const (
	Unreachable Kind = iota
	Absent
	Denied
)

// Kind reads the error's text, since BuildKit gives the same code for all of them. What it does not know is Unreachable,
// never Absent: only what is surely absent may lead to a build.
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
