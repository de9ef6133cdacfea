# Builds every agent on every base, with the runtime file in this directory. See README.md.
variable "AGENTS" {
  default = "echo,shell"
}

variable "BASES" {
  default = "debian:bookworm,ubuntu:24.04"
}

# The name of a target, as in the output of rtbuild-client tags --format bake.
function "id" {
  params = [agent, base, role]
  result = "${agent}-${regex_replace(base, "[^A-Za-z0-9_-]", "-")}-${role}"
}

group "default" {
  targets = ["deps", "source"]
}

target "common" {
  dockerfile = "../../runtime.yaml"
  attest     = ["type=provenance,disabled=true"] # a provenance makes the tag an index that differs in every run
  output     = ["type=image,push=true,oci-mediatypes=true"]
}

target "deps" {
  inherits = ["common"]
  matrix   = { agent = split(",", AGENTS), base = split(",", BASES) }
  name     = id(agent, base, "deps")
  context  = "agents/${agent}"
  args     = { BASE_IMAGE = base }
  target   = "deps"
}

target "source" {
  inherits = ["common"]
  matrix   = { agent = split(",", AGENTS), base = split(",", BASES) }
  name     = id(agent, base, "source")
  context  = "agents/${agent}"
  contexts = { deps = "target:${id(agent, base, "deps")}" }
  args     = { BASE_IMAGE = base }
}
