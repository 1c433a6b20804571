import { deploymentGroupOf, reportStatus } from '../aws/code-deploy.ts'
import { readSecret } from '../aws/deployment-secrets.ts'
import { messageOf } from '../errors.ts'
import { log } from '../log.ts'
import { clearSecrets } from '../redact.ts'
import { settings } from '../settings.ts'
import { sleep } from '../sleep.ts'
import { VERIFIED_MODES, type VerifiedApi, verifyCall } from './check.ts'
import { VERIFY_SECRET, verifySecret } from './secret.ts'
import { publicApi, webhookVersion } from './targets.ts'

/** The event that CodeDeploy sends before it shifts calls to a new version. */
interface DeploymentHook {
  DeploymentId: string
  LifecycleEventHookExecutionId: string
}

/** Permissions that the same deployment has added may take effect seconds later. */
const HOOK_ATTEMPTS = 3
const HOOK_PAUSE_MS = 5_000

/** The handler of both functions that verify a deployment: the hook of CodeDeploy, and the schedule. */
export async function verifyHandler(event: DeploymentHook | object): Promise<void> {
  clearSecrets()
  await ('LifecycleEventHookExecutionId' in event ? verifyNewVersion(event) : verifyPublicUrl())
}

/** Reports to CodeDeploy whether calls may shift to the new version of a webhook. */
async function verifyNewVersion({ DeploymentId, LifecycleEventHookExecutionId }: DeploymentHook): Promise<void> {
  const isValid = async () => {
    // Each deployment group has the name of its category.
    const category = await deploymentGroupOf(DeploymentId)
    const version = settings.newVersions[category]
    if (version === undefined) throw new Error(`The hook does not know the deployment group ${category}.`)
    return passes(category, (token) => webhookVersion(version, token))
  }
  let status: 'Succeeded' | 'Failed' = 'Failed'
  for (let attempt = 1; status === 'Failed' && attempt <= HOOK_ATTEMPTS; attempt++) {
    if (attempt > 1) await sleep(HOOK_PAUSE_MS)
    if (await orFalse(isValid)) status = 'Succeeded'
  }
  await reportStatus({ DeploymentId, LifecycleEventHookExecutionId, status })
}

/** @throws Error if a category does not pass: Lambda counts it, and the alarm reads the count */
async function verifyPublicUrl(): Promise<void> {
  let failures = 0
  for (const category of settings.verifiedCategories) {
    const isValid = () => passes(category, (token) => publicApi(settings.apiUrl, token))
    if (!(await orFalse(isValid))) failures++
  }
  if (failures > 0) throw new Error(`${failures} categories did not pass.`)
}

/** Sends the calls of `webhooks verify` to a category, and logs their results. */
async function passes(category: string, connect: (token: string) => VerifiedApi): Promise<boolean> {
  const { token } = await readSecret(VERIFY_SECRET, verifySecret, { fresh: true })
  const api = connect(token)
  for (const mode of VERIFIED_MODES) {
    const check = await verifyCall(api, category, mode)
    const hasPassed = check.verdict === 'pass'
    log[hasPassed ? 'info' : 'error']('verified', { category, mode, ...check })
    if (!hasPassed) return false
  }
  return true
}

async function orFalse(check: () => Promise<boolean>): Promise<boolean> {
  try {
    return await check()
  } catch (error) {
    log.error('cannot verify', { reason: messageOf(error) })
    return false
  }
}
