// rtbuild by docker buildx bake: the programs, their tests, and the frontend image.
//
//   docker buildx bake                 builds the programs into bin/
//   docker buildx bake unit lint       tests that need nothing but Go; lint
//   docker buildx bake test            all tests; add --allow security.insecure: they run a builder of their own
//   REGISTRY=host/path docker buildx bake frontend --push

variable "REGISTRY" {
  default = "ghcr.io/rtbuild"
}
variable "TAG" {
  default = "dev"
}
variable "VERSION" {
  default = "dev"
}
variable "GOPROXY" {
  default = ""
}

group "default" {
  targets = ["build"]
}

target "_common" {
  dockerfile = "hack/Dockerfile"
  args       = { GOPROXY = GOPROXY, VERSION = VERSION }
  attest     = ["type=provenance,disabled=true"]
}

target "build" {
  inherits = ["_common"]
  target   = "build"
  output   = ["type=local,dest=bin"]
}

target "unit" {
  inherits = ["_common"]
  target   = "unit"
  output   = ["type=cacheonly"]
}

target "lint" {
  inherits = ["_common"]
  target   = "lint"
  output   = ["type=cacheonly"]
}

target "test" {
  inherits     = ["_common"]
  target       = "test"
  output       = ["type=cacheonly"]
  entitlements = ["security.insecure"]
}

// Equal sources give equal images: SOURCE_DATE_EPOCH in the environment is the time stamp.
target "frontend" {
  inherits   = ["_common"]
  dockerfile = "cmd/frontend/Dockerfile"
  platforms  = ["linux/amd64", "linux/arm64"]
  tags       = ["${lower(REGISTRY)}/rtbuild-frontend:${TAG}"] // names are in lower case, owners may not be
  output     = ["type=image,oci-mediatypes=true,rewrite-timestamp=true,compression-level=9"]
}
