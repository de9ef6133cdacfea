console.log('hello' + require('ms/patched'))
