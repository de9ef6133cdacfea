const sharp = require('sharp')

sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } }).png().toBuffer().then(image => console.log('hello,', image.length))
