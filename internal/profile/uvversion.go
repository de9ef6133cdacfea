package profile

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/llb"
)

// completeUV sets which uv installs: the first that rtbuild knows that the project's required-version accepts. A uv of the file's tools goes
// first, and checks itself.
func completeUV(fsys fs.FS, r *Runtime) error {
	if r.Dependencies.Manager != "uv" || r.ownVersion("uv") != "" {
		return nil
	}
	root, err := manifests.ReadPythonProject(fsys, ".")
	if err != nil || root == nil || root.RequiredUV() == "" {
		return err
	}
	text := root.RequiredUV()
	specifiers := text
	if strings.TrimLeft(text, "0123456789.") == "" { // uv takes a bare version for ==
		specifiers = "==" + text
	}
	accepted, err := llb.ParsePythonRange(specifiers) // the standard's version specifiers
	if err != nil {
		return root.RequiredUVFault("write it as >=0.12", "required-version of uv is not valid: %s", err)
	}
	for _, version := range llb.UVVersions() {
		if accepted.Accepts(version) {
			r.provenance.uv = version
			return nil
		}
	}
	return root.RequiredUVFault(fmt.Sprintf("accept one of them, or name yours in runtime.yaml: tools: [{name: uv, version: %s, sha256: {...}}]", strings.TrimLeft(text, "<>=!~ ")),
		"the project requires uv %s, and rtbuild has %s", text, strings.Join(llb.UVVersions(), ", "))
}
