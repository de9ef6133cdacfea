// Takes the scripts that npm ci would run for the project itself out of its manifests, and puts the manifests back afterwards.
//
// Usage: node npm_scripts.js hide|restore KEPT, in the project's directory
//
// npm ci has no switch for this: --ignore-scripts leaves out those of the dependencies, too, and npm rebuild fails where npm ci drops an
// optional dependency. A manifest without such scripts is not touched.
//
// npm also links the programs of workspaces and of other directories of the project, whose files come with the source.
//
// In .npmrc it leaves out logins: they name variables, which are not set here, and would take precedence over those of the secret.
"use strict";
const fs = require("fs");
const path = require("path");

// The scripts that npm ci runs (npm's lib/commands/ci.js; for workspaces arborist's rebuild.js).
// pnpm:devPreinstall is pnpm's own.
const SCRIPTS = ["pnpm:devPreinstall", "preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"];

const [action, kept] = process.argv.slice(2);
const made = []; // placeholders, each as the first directory that was made for it, or as its file

function* manifests(dir) {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory() && entry.name !== "node_modules") yield* manifests(file);
    if (entry.isFile() && entry.name === "package.json") yield file;
  }
}

function change(file, text) {
  const copy = path.join(kept, file);
  fs.mkdirSync(path.dirname(copy), { recursive: true });
  fs.copyFileSync(file, copy);
  fs.writeFileSync(file, text);
}

function hideLogins(file) {
  const text = fs.readFileSync(file, "utf8");
  const rest = text.replace(/^.*_(auth|authToken|password)\s*=.*$/gm, "");
  if (rest !== text) change(file, rest);
}

// placeholders makes empty files in place of a package's programs: npm links no program whose file is absent.
function placeholders(dir, { name, bin }) {
  const programs = typeof bin === "string" ? { [name]: bin } : Object(bin);
  for (const program of Object.values(programs)) {
    const file = path.join(dir, String(program));
    if (path.relative(dir, file).startsWith("..") || fs.existsSync(file)) continue;
    made.push(fs.mkdirSync(path.dirname(file), { recursive: true }) || file);
    fs.writeFileSync(file, "");
  }
}

function hide(file) {
  let manifest;
  try {
    manifest = JSON.parse(fs.readFileSync(file, "utf8").replace(/^\uFEFF/, ""));
  } catch {
    return; // npm says what is wrong with it
  }
  if (path.dirname(file) !== ".") placeholders(path.dirname(file), Object(manifest));
  const scripts = manifest && manifest.scripts;
  if (!scripts || !SCRIPTS.some((name) => name in Object(scripts))) return;
  for (const name of SCRIPTS) delete scripts[name];
  change(file, JSON.stringify(manifest));
}

if (action === "hide") {
  for (const file of [...manifests(".")]) hide(file);
  if (fs.existsSync(".npmrc")) hideLogins(".npmrc");
  fs.writeFileSync(kept + ".made", JSON.stringify(made));
} else {
  if (fs.existsSync(kept)) fs.cpSync(kept, ".", { recursive: true });
  for (const file of JSON.parse(fs.readFileSync(kept + ".made"))) fs.rmSync(file, { recursive: true, force: true });
}
