// An agent that says what it was told.
const http = require('node:http');

http.createServer((req, res) => req.pipe(res)).listen(process.env.PORT || 8080);
