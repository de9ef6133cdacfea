// Makes equal installations equal: removes what carries a moment, and gives all files the same time stamp.
//
// Usage: node node_constant.js, in the project's directory
//
// The state files that it removes tell a package manager when it last looked at the project. It looks again without them.
"use strict";
const fs = require("fs");
const path = require("path");

const EPOCH = 315532800; // 1980-01-01, as llb's partTime
const STATE = /^(\.tmp|\.yarn-integrity|\.pnpm-workspace-state.*\.json)$/; // in a directory node_modules

// pnpm's list of what it installed says when it last removed what is unused, and which registry, or mirror of it, it has asked. From pnpm
// 10 on the list is JSON, before that YAML.
function withoutMoment(file) {
  const text = fs.readFileSync(file, "utf8");
  fs.writeFileSync(
    file,
    text
      .replace(/^(\s*"?prunedAt"?:\s*"?)[^",\n]*, [^",\n]*/m, "$1Tue, 01 Jan 1980 00:00:00 GMT")
      .replace(/^registries:\n(  .*\n)*/m, "")
      .replace(/^  "registries": \{[^}]*\},?\n/m, ""),
  );
}

function walk(file, inModules) {
  const stat = fs.lstatSync(file);
  const name = path.basename(file);
  if (inModules && STATE.test(name)) return fs.rmSync(file, { recursive: true });
  if (inModules && name === ".modules.yaml") withoutMoment(file);
  if (stat.isDirectory()) for (const entry of fs.readdirSync(file)) walk(path.join(file, entry), name === "node_modules");
  fs.lutimesSync(file, EPOCH, EPOCH);
}

walk(".", false);
