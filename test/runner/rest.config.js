// The test files that `npm test` leaves to `npm run test:all`. Usage: `jest --config test/runner/rest.config.js`
import { join } from 'node:path'
import config from '../../jest.config.js'
import { REST } from './selection.ts'

export default { ...config, rootDir: join(import.meta.dirname, '../..'), testMatch: REST }
