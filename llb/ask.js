// Waits until an address answers: node ask ADDRESS SECONDS. ADDRESS is a URL or HOST:PORT. It ends early if /tmp/ended exists, which holds the
// exit code of the program that should answer.
const fs = require('fs')
const net = require('net')

const [address, seconds] = process.argv.slice(2)
const deadline = Date.now() + seconds * 1000

async function ask() {
  if (!/^https?:/.test(address)) {
    const at = address.lastIndexOf(':')
    return new Promise((resolve, reject) => {
      const socket = net.connect({host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: address.slice(at + 1), timeout: 1000})
      socket.on('connect', () => { socket.destroy(); resolve() })
      socket.on('timeout', () => socket.destroy(new Error('timed out')))
      socket.on('error', reject)
    })
  }
  const response = await fetch(address, {signal: AbortSignal.timeout(5000)})
  await response.arrayBuffer()
  if (response.status >= 400) throw new Error(`status ${response.status}`)
}

async function main() {
  for (let last; ; await new Promise(done => setTimeout(done, 50))) {
    try {
      await ask()
      return
    } catch (error) {
      last = error.cause ?? error
    }
    const why = last.code ?? last.message
    if (fs.existsSync('/tmp/ended')) throw new Error(`The command ended with exit code ${fs.readFileSync('/tmp/ended', 'utf8').trim()} before ${address} answered (${why}).`)
    if (Date.now() > deadline) throw new Error(`${address} did not answer within ${seconds} s (${why}).`)
  }
}

main().then(() => process.exit(0), error => { console.error(error.message); process.exit(1) })
