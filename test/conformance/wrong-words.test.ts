import { beforeAll, describe, expect, test } from '@jest/globals'
import { Failure } from '../../shared/errors.ts'
import type { Ended, Mode } from './calls.ts'
import { categoryOf } from './category-of.ts'
import { storeSecret } from './deployment.ts'
import type { Sample } from './http-samples.ts'
import { fieldPattern, type Mutant, mutantsOf } from './wrong-words.ts'

const { readConnection } = await import('../../shared/providers/connections.ts')
const { continues, sendCalls } = await import('./calls.ts')
const { samples } = await import('./http-samples.ts')

describe.each(samples.map((sample) => [sample.name, sample] as const))('%s: a wrong word', (_name, sample) => {
  const refused: (Mutant & { reason: string })[] = []
  const accepted: Mutant[] = []
  beforeAll(async () => {
    const { server, connection } = await sample.start()
    await server.close()
    for (const mutant of mutantsOf(connection)) {
      const reason = await refusalOf(sample, mutant.connection)
      if (reason === undefined) accepted.push(mutant)
      else refused.push({ ...mutant, reason })
    }
  })

  test('is named if the connection is refused', () => {
    expect(refused).not.toEqual([])
    const unnamed = refused.filter(({ isNamed, field, reason }) => isNamed && !fieldPattern(field).test(reason))
    expect(unnamed.map(({ field, word, reason }) => ({ field, word, reason }))).toEqual([])
  })

  test.each<Mode>(['silent', 'interactive'])('writes at most once and is named (%s)', async (mode) => {
    const right = await run(sample, mode)
    expect(right.filter(continues)).toEqual([])
    if (sample.words) expect(right.at(-1)?.end).toMatch(sample.words)
    const problems: object[] = []
    // Both modes evaluate a field with the same code: one wrong word of each shows how a silent call ends. So does one of the
    // words that only the API knows.
    const isTriedAlone = ({ isNamed }: Mutant) => mode === 'interactive' && isNamed
    const others = accepted.filter((mutant) => !isTriedAlone(mutant)).map((mutant) => [mutant.field, mutant] as const)
    for (const mutant of [...accepted.filter(isTriedAlone), ...new Map(others).values()]) {
      const ended = await run(sample, mode, mutant)
      const problem = problemOf(mutant, ended, right, sample)
      const { field, word } = mutant
      if (problem !== undefined) problems.push({ field, word, problem, ended })
    }
    expect(problems).toEqual([])
  })
})

describe('A job whose status the connection cannot read', () => {
  const field = 'run.state of the connection finds nothing in the response of the API, which is {'

  test.each<[Mode, string, string]>([
    ['waiting', 'warning: Started run 1. It is still running', 'The last poll failed: '],
    ['interactive', 'errored fail: The connection cannot read the status of this job', 'the last poll failed: '],
  ])('ends early with the reason (%s)', async (mode, ...parts) => {
    const sample = samples.find(({ name }) => name === 'remediation/n8n')
    if (!sample) throw new Error('n8n has no sample')
    const { server, connection } = await sample.start()
    const run = { ...(connection['run'] as object), state: 'response.nope' }
    const calls: Sample['calls'] = [['run-runbook', { target: 'broken' }]]
    const [ended] = await sendCalls({ ...sample, calls }, { server, connection: { ...connection, run } }, mode)
    await server.close()
    for (const part of [...parts, field]) expect(ended?.end).toContain(part)
    expect(ended?.writes).toBe(1)
  })
})

let mutants = 0

/** Returns why every call refuses a connection. Undefined if it is accepted. */
async function refusalOf(sample: Sample, connection: Record<string, unknown>): Promise<string | undefined> {
  const category = categoryOf(sample.name)
  // A connection is read once.
  const name = `mutant-${mutants++}`
  storeSecret(`connections/${category.name}/${name}`, connection)
  try {
    await readConnection(category, name)
    return undefined
  } catch (error) {
    if (error instanceof Failure && error.kind === 'misconfigured') return error.message
    throw error
  }
}

/** Sends the calls of a sample with its own connection, or with a mutant of it. */
async function run(sample: Sample, mode: Mode, mutant?: Mutant): Promise<Ended[]> {
  const { server, connection } = await sample.start()
  try {
    const { baseUrl } = connection
    return await sendCalls(sample, { server, connection: { ...(mutant?.connection ?? connection), baseUrl } }, mode)
  } finally {
    await server.close()
  }
}

function problemOf({ field, isNamed }: Mutant, ended: Ended[], right: Ended[], { words }: Sample): string | undefined {
  if (ended.some(continues)) return 'does not end'
  if (ended.some(({ writes }, at) => writes > Math.max(1, right[at]?.writes ?? 0))) return 'writes more than once'
  if (ended.some(({ end }) => end.startsWith('bug'))) return 'is reported as a bug'
  const hasEffect = ended.some(({ end }, at) => end !== right[at]?.end)
  const isReported = ended.some(({ end }) => fieldPattern(field).test(end))
  // The API's own words explain the refusal.
  const hasWords = /(?:^|\.)(?:error|reason)$/.test(field) && words?.test(ended.map(({ end }) => end).join(' '))
  return isNamed && hasEffect && !isReported && !hasWords ? 'is not named' : undefined
}
