// Package testmirror serves, on loopback, stand-ins for addresses that tests cannot reach, and that the image of the profile
// "openhands" is made from: the release pages of uv, micromamba and openvscode-server, conda-forge, PyPI, Playwright's
// browsers and Docker's apt repository. A test names them as mirrors (network.mirrors of runtime.yaml), so that the build is
// the real one but for these addresses.
//
// Nothing here is the real thing, and whatever can be printed says so ("stand-in"). What comes from Debian is real: Python,
// poetry with all that it needs, and the wheels of packaging, pip, setuptools and wheel are repacked from packages of Debian
// trixie. uv, micromamba, the editor's server, the browser, the module playwright and Docker's packages are small programs of
// ours, which do in earnest what a build asks of them.
//
// The stand-ins check that they are called as the real ones would be: real paths, real spelling of arguments. A site answers
// anything else with 404 and a text that says why, and [Mirror.Faults] gives it; a program says it and ends with code 2, so
// that the step fails.
package testmirror
