import { expect, test } from '@jest/globals'
import { requestLine } from '../../infra/testing/loopback-server.ts'
import { finalOutcome } from '../../shared/core/final-outcome.ts'
import { redactDeep } from '../../shared/redact.ts'
import { interactively, receive } from '../conformance/calls.ts'
import { categoryOf } from '../conformance/category-of.ts'
import '../conformance/deployment.ts'
import { jobPlatforms } from '../conformance/job-platforms.ts'
import { platforms } from '../conformance/platforms.ts'
import { evaluated } from '../functions/slo/drive.ts'
import { expectGolden } from './golden.ts'

/** Platforms without an example, and why. */
const WITHOUT: Record<string, string> = {
  'chaos-testing/toxiproxy': 'the run of the fake can only be aborted',
  'feature-flags/aws-appconfig': 'the fake deploys until a test ends the deployment',
  'load-testing/locust': 'the state of a new run is reliable after some seconds only',
  'notification/servicenow-change': 'a person decides',
  'slo/keptn': 'the fake evaluates until a test ends the evaluation',
}
const jobs = new Map(jobPlatforms.map(({ name, platform }) => [name, platform]))
// Keptn gets some results from the platform itself, and docs/http.md has the generic platforms.
const examples = Object.entries(platforms).filter(
  ([path, { delegates }]) => !delegates && !/\/http(?:-|$)/.test(path) && !(path in WITHOUT),
)
const golden: Record<string, unknown> = {}

test.each(examples)('%s: the example call succeeds', async (path, { action, start }) => {
  const [, provider] = path.split('/')
  const category = categoryOf(path)
  const job = await jobs.get(path)?.start()
  const { server, connection, input = {} } = job ?? (await start())
  try {
    const call = await receive({
      category,
      action,
      mode: 'interactive',
      input,
      connection: { provider, ...connection },
      data: { evaluation: evaluated },
      id: '6e7bc693-1dd2-4ab4-8a65-91949312d23c',
    })
    const before = server.calls.length
    const { type, outcome } = await interactively(category, call, (poll) => {
      if (poll === 1) job?.letStart()
      else job?.end()
    })
    expect({ type, outcome }).toMatchObject({ type: 'completed', outcome: { status: 'succeeded', result: 'pass' } })
    const requests = new Set(server.calls.slice(before).map(requestLine))
    const recorded = { requests: [...requests], outcome: redactDeep(finalOutcome(outcome, call)) }
    golden[path] = { action, input, ...JSON.parse(withoutRandom(JSON.stringify(recorded), server.url)) }
  } finally {
    await server.close()
  }
})

test('the results are those that the site shows (UPDATE_GOLDEN=1 writes them)', () => expectGolden('platforms', golden))

/** Replaces what differs between runs: addresses, times and random ids. */
function withoutRandom(text: string, url: string): string {
  return text
    .replaceAll(url, 'https://platform.example.com')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/(?<=\/p)\d{16}\b|\b\d{10}\.\d{6}\b/g, '<time>')
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replace(/[0-9a-f]{16,}/g, '<id>')
}
