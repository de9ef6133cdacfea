// An agent that runs the commands that it receives.
const http = require('node:http');
const { execFile } = require('node:child_process');

http.createServer(async (req, res) => {
  let command = '';
  for await (const part of req) command += part;
  execFile('/bin/sh', ['-c', command], (error, stdout, stderr) => {
    res.end(JSON.stringify({ code: error ? error.code : 0, stdout, stderr }));
  });
}).listen(process.env.PORT || 8080);
