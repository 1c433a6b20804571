import { isDeepStrictEqual, parseArgs } from 'node:util'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { helpIfAsked } from '../../infra/project/help.ts'
import { compareTasks } from './compare.ts'

helpIfAsked(`npm run test:cloud: runs a task of each category of a deployed stack with AWS's CloudDurableTestRunner, and the same payload
with its LocalDurableTestRunner, and compares status, result and operations. The tasks call no platform.

Needs an account, and lambda:ListFunctions, lambda:ListTags, lambda:InvokeFunction, lambda:GetDurableExecution,
lambda:GetDurableExecutionHistory, and secretsmanager:GetSecretValue for the secret identity.

Options
  --stack <name>  name of the deployed stack (default: CloudAutomationWebhooks)
  --help          print this text

Exit code: 0 equal, 1 different, or the stack has no tasks.

Example
  AWS_PROFILE=staging npm run test:cloud -- --stack CloudAutomationWebhooks`)

const { values } = parseArgs({ options: { stack: { type: 'string', default: 'CloudAutomationWebhooks' } } })
const compared = await compareTasks(new LambdaClient(), values.stack)
for (const { category, deployed, local } of compared) {
  const isEqual = isDeepStrictEqual(deployed, local)
  console.log(`${isEqual ? 'equal' : 'DIFFERENT'}  ${category}: ${JSON.stringify(deployed)}`)
  if (isEqual) continue
  console.log(`           local: ${JSON.stringify(local)}`)
  process.exitCode = 1
}
if (compared.length === 0) {
  console.error(`The stack ${values.stack} has no tasks. Check the name, the region and the account.`)
  process.exitCode = 1
}
