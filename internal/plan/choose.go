package plan

import (
	"fmt"
	"strings"
)

// choose returns the plan with the least work.
func (j *judge) choose() *Plan {
	switch {
	case j.in.Deps != "" && (j.in.Force || j.source == nil):
		return j.onGivenDeps(j.because("source"))
	case j.in.Force:
		return j.scratch("rebuild forced")
	case j.in.Stage == StageDeps:
		return j.chooseDeps()
	case j.source != nil:
		return &Plan{Variant: None, From: j.source.Pinned(), Entry: j.source, Reason: "the source image exists"}
	case j.lock != nil:
		return j.onLock(j.because("source") + "; the deps image of these lock files exists")
	case j.versioned != nil:
		return j.onVersioned(j.because("lock") + "; a deps image of this base and version exists")
	}
	return j.scratch(j.noDeps())
}

// chooseDeps returns the plan with the least work for building only a deps image.
func (j *judge) chooseDeps() *Plan {
	switch {
	case j.lock != nil:
		return &Plan{Variant: None, From: j.lock.Pinned(), Entry: j.lock, Reason: "the deps image of these lock files exists"}
	case j.versioned != nil:
		return j.onVersioned(j.because("lock") + "; a deps image of this base and version exists")
	}
	return j.scratch(j.noDeps())
}

// forVariant returns the plan for a variant that the user asked for.
func (j *judge) forVariant(v Variant) (*Plan, error) {
	switch {
	case v == Scratch:
		return j.scratch("asked for"), nil
	case v == Lock && j.in.Deps != "" && j.in.Stage != StageDeps:
		return j.onGivenDeps("asked for"), nil
	case v == Lock && j.lock != nil && j.in.Stage != StageDeps:
		return j.onLock("asked for"), nil
	case v == Versioned && j.versioned != nil:
		return j.onVersioned("asked for"), nil
	}
	role := map[Variant]string{None: "source", Lock: "lock", Versioned: "versioned"}[v]
	return nil, fmt.Errorf("variant %s cannot be built: %s", v, j.because(role))
}

func (j *judge) scratch(reason string) *Plan {
	from := j.in.Base
	if j.in.BaseDigest != "" && !strings.Contains(from, "@") {
		from += "@" + j.in.BaseDigest.String()
	}
	return &Plan{Variant: Scratch, From: from, Reason: reason}
}

// onGivenDeps starts from the deps image that the user gives.
func (j *judge) onGivenDeps(reason string) *Plan {
	return &Plan{Variant: Lock, Reason: reason + "; the deps image is " + j.in.Deps}
}

func (j *judge) onLock(reason string) *Plan {
	return &Plan{Variant: Lock, From: j.lock.Pinned(), Entry: j.lock, Reason: reason}
}

func (j *judge) onVersioned(reason string) *Plan {
	return &Plan{Variant: Versioned, From: j.versioned.Pinned(), Entry: j.versioned, Reason: reason}
}

// noDeps says why there is no deps image to start from.
func (j *judge) noDeps() string {
	if j.why["lock"] == "" && j.why["versioned"] == "" {
		return "no deps image under the lock tag or the versioned tag"
	}
	return j.because("lock") + "; " + j.because("versioned")
}

// because describes the image of a role: it exists, it is stale and why, or it does not exist.
func (j *judge) because(role string) string {
	name := map[string]string{
		"source": "source image", "lock": "deps image under the lock tag", "versioned": "deps image under the versioned tag",
	}[role]
	if why := j.why[role]; why != "" {
		return fmt.Sprintf("the %s is stale: %s", name, why)
	}
	if j.exists[role] == Fresh {
		return "the " + name + " exists"
	}
	return "no " + name
}
