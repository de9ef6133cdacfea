package tags

import "strings"

// versionedLength is the maximum length of the versioned part (section 5).
const versionedLength = 96

// VersionedTag returns the versioned tag of a base image and a version. Builds look for an earlier version's deps image under
// it. An invalid base image or version is an *InputError.
func VersionedTag(base, version string) (string, error) {
	n, err := newNamer(Inputs{Base: base, Version: version})
	if err != nil {
		return "", err
	}
	return versionedTag(n.version, n.base), nil
}

// versionedTag returns the versioned tag of section 5. If a long version leaves less room, the base's part is cut further,
// from the left. parseBase ensures that the base's name is ASCII, so its lower case does not depend on Unicode.
func versionedTag(version string, base baseImage) string {
	head := clean(prefix + version + "_")
	part := strings.NewReplacer("/", "_s_", ":", "_t_").Replace(string(base))
	part = clean(strings.ToLower(part))
	return head + last(part, min(versionedLength, maxTag-len(head)))
}

// last returns the last n bytes of an ASCII text.
func last(text string, n int) string {
	return text[max(0, len(text)-n):]
}
