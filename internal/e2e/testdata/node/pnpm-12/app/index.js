#!/usr/bin/env node
console.log(require("lib"))
