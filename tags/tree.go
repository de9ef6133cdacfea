package tags

import "io/fs"

// Tree is a source tree as it was hashed: exactly what is copied into an image.
type Tree struct {
	Root   string // the context directory, absolute, links resolved
	Digest string // the directory digest of the hashed paths (hex MD5, section 6.5)
	Copied string // "sha256:..." over everything copied: paths, types, normalised modes, contents, link targets

	Entries  []Entry  // what is copied, directories included, sorted so that a parent precedes its children
	Outside  []string // links that leave the context: hashed, but no builder may be given what they point to
	Warnings []string // broken links and special files that were left out, by path
}

// Entry is a file, directory or link of a Tree.
type Entry struct {
	Path string      // relative to the context, slash-separated
	Mode fs.FileMode // type, and the normalised permissions: 0644, 0755 for directories and what the owner may execute
	Link string      // the target, where the entry stays a symbolic link
	Size int64
}
