package testmirror

import "embed"

//go:embed all:testdata
var testdata embed.FS
