module.exports = 'hello in ' + require('ms')(60000)
