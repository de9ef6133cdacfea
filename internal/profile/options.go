package profile

import "github.com/rtbuild/rtbuild/internal/options"

// Overrides returns the user's options in the form that [Load] takes. from is the place where they are given.
func Overrides(given *options.Runtime, from options.Source) Options {
	o := Options{
		Profile: given.Profile, Base: given.BaseImage(), Version: given.Version, Repository: given.Repository, NoBrowser: given.NoBrowser, From: from,
	}
	if given.ExtraDeps != "" {
		o.Extra = &given.ExtraDeps
	}
	return o
}
