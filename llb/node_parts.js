// Distributes the packages in node_modules over directories, and gives all files the same time stamp.
//
// Usage: node node_parts.js PARTS LARGE, in the project's directory
//
// A package goes to PARTS/0 ... by the hash of its name, or to the last LARGE of these directories if it is larger than 8 MB. So a
// package's place does not depend on which others are installed. Links, programs and lists of npm stay where they are.
"use strict";
const { createHash } = require("crypto");
const { execFileSync } = require("child_process");
const fs = require("fs");
const path = require("path");

const LIMIT = 8_000_000; // bytes
const EPOCH = 315532800; // 1980-01-01, as llb's partTime

const [parts, large] = [process.argv[2], Number(process.argv[3])];
const small = fs.readdirSync(parts).length - large;

function walk(file, visit) {
  const stat = fs.lstatSync(file);
  if (stat.isDirectory()) for (const name of fs.readdirSync(file)) walk(path.join(file, name), visit);
  visit(file, stat);
}

function* packages() {
  for (const entry of fs.existsSync("node_modules") ? fs.readdirSync("node_modules") : []) {
    if (entry.startsWith(".")) continue;
    for (const name of entry.startsWith("@") ? fs.readdirSync(path.join("node_modules", entry)).map((n) => entry + "/" + n) : [entry]) {
      if (fs.lstatSync(path.join("node_modules", name)).isDirectory()) yield name;
    }
  }
}

function part(name) {
  let size = 0;
  walk(path.join("node_modules", name), (_, stat) => (size += stat.isFile() ? stat.size : 0));
  const hash = createHash("sha256").update(name).digest().readUInt32BE();
  return size > LIMIT ? small + (hash % large) : hash % small;
}

const moves = new Map(); // directory -> packages
for (const name of packages()) {
  const to = path.join(parts, String(part(name)), "node_modules", path.dirname(name));
  moves.set(to, [...(moves.get(to) || []), path.join("node_modules", name)]);
}
for (const [to, from] of moves) {
  fs.mkdirSync(to, { recursive: true });
  for (let i = 0; i < from.length; i += 500) execFileSync("mv", [...from.slice(i, i + 500), to], { stdio: "inherit" });
}
for (const entry of fs.existsSync("node_modules") ? fs.readdirSync("node_modules") : []) {
  if (entry.startsWith("@") && !fs.readdirSync(path.join("node_modules", entry)).length) fs.rmdirSync(path.join("node_modules", entry));
}
for (const dir of [".", ...fs.readdirSync(parts).map((name) => path.join(parts, name))]) {
  walk(dir, (file, stat) => {
    if (stat.mtimeMs !== EPOCH * 1000 || stat.isDirectory()) fs.lutimesSync(file, EPOCH, EPOCH);
  });
}
