module.exports = [require("is-number").patched, require("is-odd")(3)].join()
