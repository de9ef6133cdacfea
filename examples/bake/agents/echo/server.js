// An agent that echoes what it receives.
const http = require('node:http');

http.createServer((req, res) => req.pipe(res)).listen(process.env.PORT || 8080);
