console.log(require('words'), require('ms')(60000))
