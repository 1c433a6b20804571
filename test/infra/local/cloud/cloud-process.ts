// Starts a local cloud in a separate process that a test can kill. The first argument contains the options as JSON.
import { startLocalCloud } from '../../../../infra/local/cloud/index.ts'

const options = JSON.parse(process.argv[2] ?? '{}')
const cloud = await startLocalCloud({ ...options, secret: () => undefined })
process.stdout.write(`${JSON.stringify({ endpoint: cloud.endpoint, dynamodb: cloud.dynamodb })}\n`)
