import { createServer } from 'node:http'
import sirv from 'sirv'

const files = sirv('dist')
createServer((request, response) => files(request, response, () => { response.statusCode = 404; response.end() })).listen(8080)
