// Runs the sandbox in a container, and forwards the next port to it: the runtime listens on loopback only.
import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'

const port = Number(process.env.WEBHOOKS_PORT ?? 8787)
const runtime = spawn(process.execPath, ['node_modules/cloud-automation-webhooks/bin.mjs', 'start'], {
  stdio: 'inherit',
})
runtime.on('exit', (code) => process.exit(code ?? 1))
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => runtime.kill(signal))

createServer((client) => {
  const server = connect(port, '127.0.0.1')
  client.pipe(server).pipe(client)
  // Browsers reset connections that they no longer need.
  client.on('error', () => server.destroy())
  server.on('error', () => client.destroy())
}).listen(port + 1)
