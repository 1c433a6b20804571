import assert from 'node:assert/strict'
import { redmine as provider } from '../../functions/issue-ticketing/providers/redmine.ts'
import type { Outcome } from '../../shared/outcome.ts'
import { closeTicket, openTicket, updateTicket } from '../../shared/providers/ticket-actions.ts'
import { clientOf, keyOf } from '../functions/client.ts'
import { fails } from './failures.ts'
import type { Program } from './program.ts'

/** An issue of Redmine. */
interface Shown {
  subject: string
  description: string
  tracker: { name: string }
  priority: { name: string }
  status: { name: string; is_closed: boolean }
  assigned_to?: { name: string }
  estimated_hours: number | null
  journals: { notes: string }[]
}

// With characters that JSON, Markdown and forms escape, and some outside of ASCII.
const description = 'Since **14:03**: "Café" is slow; costs $5 & more > 2 s 🐢\n\nsecond paragraph'

/** Tests every action of the provider, and its messages for the refusals of Redmine. */
export const redmine: Program = {
  name: 'Redmine',
  script: 'redmine.sh',
  async checks({ url, details }) {
    const { token = '', admin = '', project = '' } = details
    const everything = {
      type: 'Feature',
      labels: ['sev 1', 'checkout'],
      priority: 'critical',
      assignee: 'Mia Krystof',
      fields: { estimated_hours: 2.5 },
    }
    let call = 1
    const client = ({ key = keyOf(call++), isRetry = false, as = token } = {}) =>
      clientOf(provider, { baseUrl: url, token: as }, { key, isRetry })
    type Options = Parameters<typeof client>[0]
    const open = (input: object, options?: Options) =>
      openTicket.run(provider, client(options), { title: 'Checkout is slow', project, ...input })
    const update = (id: string, input: object, options?: Options) =>
      updateTicket.run(provider, client(options), { id, ...input })
    const close = (id: string, input: object = {}, options?: Options) =>
      closeTicket.run(provider, client(options), { id, ...input })
    const fetched = (path: string) => fetch(`${url}${path}`, { headers: { 'x-redmine-api-key': token } })
    const shown = async (id: string): Promise<Shown> =>
      ((await (await fetched(`/issues/${id}.json?include=journals`)).json()) as { issue: Shown }).issue
    const notes = async (id: string) => (await shown(id)).journals.map(({ notes }) => notes).filter(Boolean)
    const count = async () =>
      ((await (await fetched('/issues.json?status_id=*')).json()) as { total_count: number }).total_count
    const idOf = ({ data }: Outcome) => String(data['id'])
    let id = ''

    return {
      tests: {
        async 'rejects an invalid API key'() {
          await provider.check(client())
          await fails(provider.check(client({ as: 'a-wrong-key' })), /401/, 'credentials')
        },
        async 'opens an issue that has only a title, with a working link'() {
          const { message, data, links } = await open({})
          assert.match(message, /^Opened issue \d+$/)
          assert.equal(data['state'], 'New')
          assert.deepEqual(Object.values(links), [data['url']])
          const page = await fetch(String(data['url']))
          assert.match(await page.text(), /Checkout is slow/)
        },
        async 'opens an issue with every field, unchanged'() {
          id = idOf(await open({ description, ...everything }, { key: keyOf(1_000) }))
          const issue = await shown(id)
          assert.equal(issue.subject, 'Checkout is slow')
          const footer = `Labels: sev 1, checkout\nRef: caw-${keyOf(1_000)}`
          assert.equal(issue.description.replaceAll('\r\n', '\n'), `${description}\n\n${footer}`)
          assert.deepEqual(
            [issue.tracker.name, issue.priority.name, issue.assigned_to?.name, issue.estimated_hours],
            ['Feature', 'Immediate', 'Mia Krystof', 2.5],
          )
        },
        async 'finds the issue by its key instead of opening another'() {
          const before = await count()
          const again = await open({ description, ...everything }, { key: keyOf(1_000), isRetry: true })
          assert.match(again.message, /^Found issue/)
          assert.equal(idOf(again), id)
          assert.equal(await count(), before)
        },
        async 'changes only the given field'() {
          for (const [input, value] of [
            [{ title: 'Checkout is down' }, ({ subject }: Shown) => [subject, 'Checkout is down']],
            [{ type: 'Support' }, ({ tracker }: Shown) => [tracker.name, 'Support']],
            [{ priority: 'low' }, ({ priority }: Shown) => [priority.name, 'Low']],
            [{ assignee: 'me' }, ({ assigned_to }: Shown) => [assigned_to?.name, 'Robby Robot']],
            [{ state: 'in progress' }, ({ status }: Shown) => [status.name, 'In Progress']],
            [{ fields: { estimated_hours: 4 } }, ({ estimated_hours }: Shown) => [estimated_hours, 4]],
          ] as const) {
            await update(id, input)
            const [actual, expected] = value(await shown(id))
            assert.equal(actual, expected)
          }
          assert.equal((await shown(id)).subject, 'Checkout is down')
        },
        async 'finds the issue after a change of the description'() {
          await update(id, { description: 'Something else' })
          assert.match((await shown(id)).description, /^Something else\r?\n\r?\nLabels: sev 1, checkout\r?\nRef: caw-/)
          assert.equal(idOf(await open({}, { key: keyOf(1_000) })), id)
        },
        async 'adds only new labels, once'() {
          await update(id, { labels: ['checkout', 'eu'] })
          await update(id, { labels: ['eu'] })
          assert.deepEqual(await notes(id), ['Labels: eu'])
        },
        async 'adds one comment for repeated calls with the same key'() {
          for (const isRetry of [false, true, true]) {
            await update(id, { comment: 'Still "slow" 🐢' }, { key: keyOf(2_000), isRetry })
          }
          const commented = (await notes(id)).filter((note) => note.startsWith('Still "slow" 🐢'))
          assert.equal(commented.length, 1)
        },
        async 'closes with a comment, and accepts a second close'() {
          const { message, data } = await close(id, { comment: 'Resolved' })
          assert.deepEqual([message, data['state']], [`Closed issue ${id} (Closed)`, 'Closed'])
          assert.equal((await shown(id)).status.is_closed, true)
          assert.ok((await notes(id)).some((note) => note.startsWith('Resolved')))
          assert.match((await close(id)).message, /was closed already/)
        },
        async 'reopens, and closes with the status of the resolution'() {
          assert.equal((await update(id, { state: 'open' })).data['state'], 'New')
          assert.equal((await close(id, { resolution: 'rejected' })).data['state'], 'Rejected')
          await update(id, { state: 'open' })
          assert.equal((await close(id, { resolution: 'Restarted' })).data['state'], 'Closed')
          assert.ok((await notes(id)).includes('Resolution: Restarted'))
        },
        async 'reports why Redmine refused'() {
          const before = await count()
          await fails(open({ type: 'Epic' }), /no tracker "Epic".+Bug, Feature, Support/)
          await fails(open({ priority: 'P1' }), /no priority "P1".+Low, Normal, High, Urgent, Immediate/)
          await fails(open({ assignee: 'unknown' }), /no assignee "unknown".+Mia Krystof/)
          await fails(open({ project: 'nowhere' }), /422 .+Project/)
          await fails(open({ fields: { priority_id: 4711 } }), /422 .+Priority/)
          await fails(update('4711', { title: 'x' }), /404 .+an empty response/)
          await fails(close('4711'), /404 .+an empty response/)
          await fails(update(id, { state: 'Nirvana' }), /does not allow .+ to Nirvana\. Allowed statuses: .*New/)
          assert.equal(await count(), before)
        },
        async 'assigns by login and email address if the key may read users'() {
          for (const assignee of ['mia', 'mia@example.com']) {
            const made = idOf(await open({ assignee }, { as: admin }))
            assert.equal((await shown(made)).assigned_to?.name, 'Mia Krystof')
          }
        },
      },
    }
  },
}
