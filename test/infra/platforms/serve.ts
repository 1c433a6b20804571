import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSandbox } from '../../../infra/platforms/sandbox/index.ts'

// A process that a test can kill: serves the sandbox of the folder in its argument and prints its port.
const sandbox = createSandbox({ state: process.argv[2] ?? '' })
const server = createServer((req, res) => void sandbox.handle(req, res))
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
