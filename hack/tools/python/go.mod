// A Go module that carries builds of python-build-standalone: the tests take a Python from it that is published on GitHub alone. No package
// here imports it, so go mod tidy would remove it.
module github.com/rtbuild/rtbuild/hack/tools/python

go 1.26.8

require github.com/kluctl/go-embed-python v0.0.0-3.14.6-20260610-1 // indirect
