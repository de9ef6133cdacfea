package tags

import (
	"errors"
	"strings"

	"github.com/distribution/reference"
)

// baseImage is a valid reference of a base image, as the user wrote it.
type baseImage string

// parseBase validates a reference. It does not change the text, because the hashes cover it.
func parseBase(text string) (baseImage, error) {
	if _, err := reference.ParseNormalizedNamed(text); err != nil {
		return "", &InputError{
			Input: "base image", Value: text, Err: err,
			Fix: "write it as [REGISTRY[:PORT]/]NAME[:TAG][@DIGEST], the name in lower case",
		}
	}
	return baseImage(text), nil
}

// FullName returns the normalized reference of a base image: "docker.io/library/debian:latest" for "debian". An invalid
// reference is an *InputError.
func FullName(base string) (string, error) {
	if _, err := parseBase(base); err != nil {
		return "", err
	}
	named, err := reference.ParseNormalizedNamed(base)
	if err != nil {
		return "", err
	}
	return reference.TagNameOnly(named).String(), nil
}

var errTagged = errors.New("it has a tag or a digest")

// checkRepository refuses an invalid repository. Empty is valid: the images then have no references.
func checkRepository(text string) error {
	if text == "" {
		return nil
	}
	named, err := reference.ParseNormalizedNamed(text)
	if err == nil && !reference.IsNameOnly(named) {
		err = errTagged
	}
	if err != nil {
		return &InputError{
			Input: "repository", Value: text, Err: err,
			Fix: "write it as [REGISTRY[:PORT]/]NAME, in lower case, without a tag",
		}
	}
	return nil
}

// originalSplit splits a base image as the original does: at its only colon, with "latest" if there is none. It fails on a
// second colon (section 3.2), and mistakes a port for a tag.
func (b baseImage) originalSplit() (repo, tag string, ok bool) {
	repo, tag, found := strings.Cut(string(b), ":")
	if !found {
		return repo, "latest", true
	}
	return repo, tag, !strings.Contains(tag, ":")
}

// repository returns the reference without tag and digest.
func (b baseImage) repository() string {
	repo, _, _ := b.parts()
	return repo
}

// parts splits a reference as registries do: the digest after "@", and the tag after a colon that follows the last slash.
// Missing parts are empty.
func (b baseImage) parts() (repo, tag, digest string) {
	repo, digest, _ = strings.Cut(string(b), "@")
	if i := strings.LastIndexByte(repo, ':'); i > strings.LastIndexByte(repo, '/') {
		repo, tag = repo[:i], repo[i+1:]
	}
	return repo, tag, digest
}

// split splits a base image into the two parts of a runtime tag, and understands ports and digests. The digest belongs to
// the tag; the default tag is "latest".
//
// The original handles a digest without a tag and a port, so its result stays: "name@algorithm" and "hex".
func (b baseImage) split() (repo, tag string) {
	repo, tag, digest := b.parts()
	if tag == "" && digest != "" && !strings.Contains(repo, ":") {
		algorithm, hex, _ := strings.Cut(digest, ":")
		return repo + "@" + algorithm, hex
	}
	if tag == "" {
		tag = "latest"
	}
	if digest != "" {
		tag += "@" + digest
	}
	return repo, tag
}
