require("fs").writeFileSync("built.js", "module.exports = " + JSON.stringify(require("../node_modules/left-pad")("built", 6)));
