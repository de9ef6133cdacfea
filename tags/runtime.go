package tags

import (
	"crypto/md5" //nolint:gosec // the scheme is the original's
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// A repository of more than longRepo characters is shortened: a hash of its beginning, then its last keptRepo characters.
const (
	longRepo = 32
	keptRepo = 24
)

// runtimeTag returns the tag of a runtime for config.sh (section 3). A base image in the target repository counts as a
// runtime image and keeps its own tag.
//
// The original's tag is used if a registry accepts it. Otherwise, the tag is made from the reference with ports and digests
// understood, and with invalid characters replaced.
func runtimeTag(version, repository string, base baseImage) string {
	text := func(repo, tag string) string {
		if base.repository() == repository {
			return tag
		}
		return prefix + version + "_image_" + shortRepo(repo) + "_tag_" + tag
	}
	if repo, tag, ok := base.originalSplit(); ok {
		if answer := hashLong(version, text(repo, tag)); isTag(answer) {
			return answer
		}
	}
	version = clean(version)
	short := version[:min(len(version), maxTag-len(prefix+"_image_")-hex.EncodedLen(md5.Size))]
	return hashLong(short, clean(text(base.split())))
}

// shortRepo shortens a repository (section 3.4). It follows the original's later version, which leaves no slash.
func shortRepo(repo string) string {
	if len(repo) > longRepo {
		cut := len(repo) - keptRepo
		repo = md5Hex(repo[:cut])[:8] + "_" + repo[cut:]
	}
	return strings.ReplaceAll(repo, "/", "_s_")
}

// hashLong replaces a tag that is too long by its hash (section 3.5).
func hashLong(version, tag string) string {
	if utf8.RuneCountInString(tag) <= maxTag {
		return tag
	}
	return prefix + version + "_image_" + md5Hex(tag)
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text)) //nolint:gosec // the scheme is the original's
	return hex.EncodeToString(sum[:])
}
