// Checks that yarn.lock of yarn 1 has each dependency that a manifest of the project names. "yarn install --frozen-lockfile" looks only at
// those of the root, and installs the newest fitting version of what else is missing.
//
// Usage: node yarn_locked.js, in the project's directory
"use strict";
const fs = require("fs");
const path = require("path");

function* manifests(dir) {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory() && entry.name !== "node_modules") yield* manifests(file);
    if (entry.isFile() && entry.name === "package.json") yield file;
  }
}

const read = (file) => Object(JSON.parse(fs.readFileSync(file, "utf8").replace(/^\uFEFF/, "")));

const locked = new Set();
for (const line of fs.readFileSync("yarn.lock", "utf8").split(/\r?\n/)) {
  if (!/^[^\s#].*:$/.test(line)) continue;
  for (const key of line.slice(0, -1).match(/"[^"]*"|[^\s,"]+/g) || []) locked.add(key.replace(/"/g, ""));
}

// isMember reports whether the manifest is the root's or that of a workspace. Other directories may be dependencies.
function isMember(file, patterns) {
  const dir = path.dirname(file);
  return dir === "." || patterns.some((pattern) => pattern.test(dir));
}

function pattern(text) {
  const escaped = path.normalize(text).replace(/\/+$/, "").replace(/[.+^${}()|[\]\\?]/g, "\\$&");
  return new RegExp("^" + escaped.replace(/\*+/g, (stars) => (stars.length > 1 ? ".*" : "[^/]*")) + "$");
}

const root = read("package.json");
if (root.workspaces) {
  const patterns = [].concat(root.workspaces.packages || root.workspaces).filter((text) => typeof text === "string").map(pattern);
  const files = [...manifests(".")].filter((file) => isMember(file, patterns));
  const members = new Set(files.map((file) => read(file).name));
  const resolved = new Set(Object.keys(Object(root.resolutions)).map((key) => key.match(/(@[^/]+\/)?[^/]*$/)[0]));
  for (const file of files) {
    const manifest = read(file);
    for (const field of ["dependencies", "devDependencies", "optionalDependencies"]) {
      for (const [name, range] of Object.entries(Object(manifest[field]))) {
        if (members.has(name) || resolved.has(name) || !range || /^(file|link|\.|\/|~\/)/.test(range)) continue;
        if (locked.has(`${name}@${range}`)) continue;
        console.error(`yarn.lock lacks ${name}@${range}, which ${file} asks for: run yarn install, and commit yarn.lock.`);
        process.exitCode = 1;
      }
    }
  }
}
