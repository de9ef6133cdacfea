package tags

import (
	"errors"
	"strings"

	"github.com/distribution/reference"
)

// baseImage is the reference of a base image, valid by the grammar of distribution/reference, as it was written.
type baseImage string

// parseBase checks a reference; nothing of its text is changed, since the hashes are over the text.
func parseBase(text string) (baseImage, error) {
	if _, err := reference.ParseNormalizedNamed(text); err != nil {
		return "", &InputError{
			Input: "base image", Value: text, Err: err,
			Fix: "write it as [REGISTRY[:PORT]/]NAME[:TAG][@DIGEST], the name in lower case",
		}
	}
	return baseImage(text), nil
}

// FullName is the reference of a base image, fully spelt: "debian" is "docker.io/library/debian:latest". A reference that
// cannot be read is an *InputError.
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

// checkRepository says whether images can be named in a repository; the empty one means that none are.
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

// originalSplit is how the original divides a base image: at its only colon, ":latest" being added where there is
// none. It fails on a second colon (section 3.2), and takes a port for a tag.
func (b baseImage) originalSplit() (repo, tag string, ok bool) {
	repo, tag, found := strings.Cut(string(b), ":")
	if !found {
		return repo, "latest", true
	}
	return repo, tag, !strings.Contains(tag, ":")
}

// repository is the reference without tag and digest.
func (b baseImage) repository() string {
	repo, _, _ := b.parts()
	return repo
}

// parts divides a reference as registries do: the digest behind "@", then the tag behind the last colon that comes
// after the last slash. What is not there is empty.
func (b baseImage) parts() (repo, tag, digest string) {
	repo, digest, _ = strings.Cut(string(b), "@")
	if i := strings.LastIndexByte(repo, ':'); i > strings.LastIndexByte(repo, '/') {
		repo, tag = repo[:i], repo[i+1:]
	}
	return repo, tag, digest
}

// split divides a base image into the two parts that a tag is made of, ports and digests understood: the digest
// belongs to the tag, and no tag is "latest".
//
// A digest alone, with no port, never stopped the original: its "name@algorithm" and "hex" stand.
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
