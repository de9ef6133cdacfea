module.exports = 'hello: ' + require('ms')(60000) + require('ms/patched')
