package tags

import "strings"

// versionedLength is the most characters of the versioned part (section 5).
const versionedLength = 96

// VersionedTag gives the name under which another version's deps image of a base was published, for builds that enter on
// it. A base image or version that cannot be used is an *InputError.
func VersionedTag(base, version string) (string, error) {
	n, err := newNamer(Inputs{Base: base, Version: version})
	if err != nil {
		return "", err
	}
	return versionedTag(n.version, n.base), nil
}

// versionedTag names the deps image of a base and a version: section 5. Where a long version leaves less room, the part
// for the base is cut further, from the left. The name of a base is ASCII (parseBase), which spares us Unicode's lower case.
func versionedTag(version string, base baseImage) string {
	head := clean(prefix + version + "_")
	part := strings.NewReplacer("/", "_s_", ":", "_t_").Replace(string(base))
	part = clean(strings.ToLower(part))
	return head + last(part, min(versionedLength, maxTag-len(head)))
}

// last gives the last n bytes of an ASCII text.
func last(text string, n int) string {
	return text[max(0, len(text)-n):]
}
