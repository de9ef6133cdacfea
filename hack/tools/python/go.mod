// A Go module that carries builds of python-build-standalone: the tests take a Python from it that is published on GitHub alone. Its package is
// no program; the line tool is what makes go mod tidy keep the module.
module github.com/rtbuild/rtbuild/hack/tools/python

go 1.26.8

tool github.com/kluctl/go-embed-python/python

require (
	github.com/gofrs/flock v0.13.0 // indirect
	github.com/kluctl/go-embed-python v0.0.0-3.14.6-20260610-1 // indirect
	github.com/sirupsen/logrus v1.9.4 // indirect
	golang.org/x/sync v0.21.0 // indirect
	golang.org/x/sys v0.46.0 // indirect
)
