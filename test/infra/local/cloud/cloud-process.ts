// A local cloud in a process of its own, so that a test can kill it: options as JSON in the first argument.
import { startLocalCloud } from '../../../../infra/local/cloud/index.ts'

const options = JSON.parse(process.argv[2] ?? '{}')
const cloud = await startLocalCloud({ ...options, secret: () => undefined })
process.stdout.write(`${JSON.stringify({ endpoint: cloud.endpoint, dynamodb: cloud.dynamodb })}\n`)
