import Fastify from 'fastify'

const app = Fastify()
const say: string = 'hello'
app.get('/', async () => ({ say }))
app.listen({ host: '0.0.0.0', port: 8080 })
