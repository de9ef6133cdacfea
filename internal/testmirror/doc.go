// Package testmirror serves stand-ins, on loopback, for sites that tests cannot reach. Images of the profile "openhands" are made
// from these sites: the release pages of uv, micromamba and openvscode-server, conda-forge, PyPI, Playwright's browsers and
// Docker's apt repository. A test sets them as mirrors (network.mirrors of runtime.yaml). Apart from these addresses, it runs a
// real build.
//
// Everything that a stand-in prints says "stand-in". Software from Debian is real: Python, poetry with its dependencies, and the
// wheels of packaging, pip, setuptools and wheel are repacked from packages of Debian trixie. uv, micromamba, the editor's server,
// the browser, the module playwright and Docker's packages are small programs of this package, which do what a build needs.
//
// The stand-ins accept only the paths and arguments of the real ones. A site answers anything else with 404 and the reason, and
// [Mirror.Faults] returns the request. A program prints the reason and exits with code 2, so that the step fails.
package testmirror
