import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '../../temporary-folder.ts'
import { webhooks } from './webhooks.ts'

const folder = temporaryFolder()

/** Writes a policy, and returns its path. */
function policyFile(name: string, text: string): string {
  const file = join(folder, `${name}.yaml`)
  writeFileSync(file, text)
  return file
}

describe('webhooks check', () => {
  it('refuses an invalid policy of the local runtime with its lines', async () => {
    const file = policyFile('invalid', 'rules:\n  - name: a\n    denny: No\n')
    const env = { WEBHOOKS_POLICY: file, WEBHOOKS_STATE: join(folder, 'none'), WEBHOOKS_PORT: '8788' }
    expect(await webhooks('check slo --local', { env })).toMatchObject({
      code: 2,
      err: expect.stringMatching(/line 3: rules\.0\.denny is not a known field\. Did you mean "deny"\?/),
    })
  })
})
