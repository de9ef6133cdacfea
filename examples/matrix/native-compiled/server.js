console.log('hello from', typeof require('unix-dgram').createSocket)
