package tags

// namer makes the names of a runtime's images from its hashes. Its fields are valid.
type namer struct {
	base       baseImage
	repository string
	version    string
	build      bool
}

func newNamer(in Inputs) (namer, error) {
	base, err := parseBase(in.Base)
	if err != nil {
		return namer{}, err
	}
	if err := checkRepository(in.Repository); err != nil {
		return namer{}, err
	}
	if err := checkVersion(in.Version); err != nil {
		return namer{}, err
	}
	return namer{base: base, repository: in.Repository, version: in.Version, build: in.Build}, nil
}

// set returns the names of section 7, with the hashes of sections 4 and 6.
func (n namer) set(lock, source string) Set {
	lock = clean(prefix+n.version) + "_" + lock
	s := Set{
		Repository: n.repository,
		Version:    n.version,
		Lock:       lock,
		Versioned:  versionedTag(n.version, n.base),
		Source:     lock + "_" + source,
		Runtime:    runtimeTag(n.version, n.repository, n.base),
	}
	if n.build {
		s.Build = lock + buildSuffix
	}
	if n.repository != "" {
		s.Images = Images{Lock: n.image(s.Lock), Versioned: n.image(s.Versioned), Source: n.image(s.Source)}
		if n.build {
			s.Images.Build = n.image(s.Build)
		}
	}
	return s
}

// buildSuffix is what a build image's tag has after the lock tag.
const buildSuffix = "_build"

func (n namer) image(tag string) string {
	return n.repository + ":" + tag
}
