module.exports = [require("is-odd")(3)].join()
