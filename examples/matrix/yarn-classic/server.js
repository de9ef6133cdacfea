const Fastify = require('fastify')

const app = Fastify()
app.get('/', async () => ({ say: 'hello' }))
app.listen({ host: '0.0.0.0', port: 8080 })
