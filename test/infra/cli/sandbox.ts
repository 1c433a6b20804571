import { createServer } from 'node:http'
import { afterAll } from '@jest/globals'
import { createSandbox } from '../../../infra/sandbox/platforms/sandbox/index.ts'
import { listen } from '../../listen.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const platforms = createSandbox({ state: temporaryFolder() })
const server = createServer((req, res) => void platforms.handle(req, res))
afterAll(() => {
  server.close()
  server.closeAllConnections()
  platforms.close()
})

/** The platforms and the Keptn API of the sandbox without the functions. */
export const sandbox = { url: `http://127.0.0.1:${await listen(server)}` }
