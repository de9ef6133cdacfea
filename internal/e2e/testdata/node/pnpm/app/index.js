#!/usr/bin/env node
console.log([require("lib"), require("./built")].join())
