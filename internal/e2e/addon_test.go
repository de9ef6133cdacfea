package e2e

import (
	"strings"
	"testing"
)

// TestNodeAddon compiles C for Node.js: a dependency's add-on where the dependencies are installed, and the project's own in the build
// command. node-gyp gets the headers of the pinned Node.js, so it asks no other address. No image has the compiler or the headers.
func TestNodeAddon(t *testing.T) {
	t.Parallel()
	p := small(t)
	write(t, p.dir, "package.json", `{"name":"small","version":"1.0.0","scripts":{"addon":"node-gyp rebuild","start":"node index.js"},"dependencies":{"cpu-features":"0.0.10"}}`)
	write(t, p.dir, "package-lock.json", `{"name":"small","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
"":{"name":"small","version":"1.0.0","dependencies":{"cpu-features":"0.0.10"}},
"node_modules/buildcheck":{"version":"0.0.7","integrity":"sha512-lHblz4ahamxpTmnsk+MNTRWsjYKv965MwOrSJyeD588rR3Jcu7swE+0wN5F+PbL5cjgu/9ObkhfzEPuofEMwLA==","optional":true},
"node_modules/cpu-features":{"version":"0.0.10","integrity":"sha512-9IkYqtX3YHPCzoVg1Py+o9057a3i0fp7S530UWokCSaFVTc7CwXPRiOjRjBQQ18ZCNafx78YfnG+HALxtVmOGA==","hasInstallScript":true,"dependencies":{"buildcheck":"~0.0.6","nan":"^2.19.0"}},
"node_modules/nan":{"version":"2.30.0","integrity":"sha512-P5mokDkSvCGBz6mZDD/2l+w9QoICRXdCyZ9ONGmTePr40oihJg3Kpn0YU3twKd6PJnwSlLBWNQeOT6yWEV2c4A=="}}}
`)
	write(t, p.dir, "binding.gyp", `{"targets": [{"target_name": "own", "sources": ["own.c"]}]}`)
	write(t, p.dir, "own.c", `#include <node_api.h>
NAPI_MODULE_INIT() { napi_value n; napi_create_int32(env, 42, &n); return n; }
`)
	write(t, p.dir, "index.js", "console.log(require('./build/Release/own.node'), typeof require('cpu-features')().arch)\n")
	write(t, p.dir, "runtime.yaml", "build: {run: npm run addon, packages: [g++, make, python3], outputs: [build/Release/own.node]}\n")
	p.solve(t)
	source := p.plan(t).Images.Source
	if got := p.prints(t, source); !strings.Contains(got, "42 string\n") {
		t.Errorf("the image prints %q", got)
	}
	for name := range tree(t, source) {
		if strings.HasSuffix(name, "/node_api.h") || name == "/usr/bin/g++" {
			t.Errorf("the image has %s", name)
		}
	}
}
