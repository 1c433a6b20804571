import assert from 'node:assert/strict'
import { ntfy as provider } from '../../functions/notification/providers/ntfy.ts'
import type { Message } from '../../shared/providers/message.ts'
import { clientOf } from '../functions/client.ts'
import { decided, evaluation, hostile, question } from '../functions/notification/messages.ts'
import type { NtfyServer } from '../platforms/ntfy.ts'
import { fails } from './failures.ts'
import type { Program } from './program.ts'

/** A message as ntfy shows it. */
type Taken = NtfyServer['messages'][number] & { attachment?: object }

/** Messages of the provider on a real server. */
export const ntfy: Program = {
  name: 'ntfy',
  script: 'ntfy.sh',
  async checks({ url, details }) {
    const { token = '', password = '' } = details
    const connected = (fields: object) => clientOf(provider, provider.connection.parse({ baseUrl: url, ...fields }))
    const shown = async (topic: string): Promise<Taken[]> => {
      const headers = { authorization: `Bearer ${token}` }
      const lines = await (await fetch(`${url}/${topic}/json?poll=1`, { headers })).text()
      return lines
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    }
    const post = async (message: Message, topic = 'deploys') => {
      const posted = await provider.post(connected({ token }), topic, message)
      const taken = (await shown(topic)).find(({ id }) => id === posted.id)
      assert.ok(taken)
      return { posted, taken }
    }

    return {
      tests: {
        async 'accepts a token, or a user and a password, and rejects others'() {
          await provider.check(connected({ token }))
          await provider.check(connected({ username: 'robot', password }))
          for (const wrong of [{ token: 'tk_unknown' }, { username: 'robot', password: 'wrong-password' }])
            await fails(provider.check(connected(wrong)), /401 .+unauthorized/, 'credentials')
        },
        async 'shows a title, a text, an emoji and links'() {
          const { posted, taken } = await post(evaluation)
          assert.equal(posted.id, taken.id)
          assert.equal(taken.title, evaluation.title)
          assert.match(taken.message, /^The release is slower(?:.|\n)+✅ error_rate, Value 0\.1 %/)
          assert.deepEqual([taken.tags, taken.priority], [['warning'], 3])
          assert.deepEqual(
            taken.actions?.map(({ label, url }) => [label, url]),
            evaluation.links.map(({ label, url }) => [label, url]),
          )
        },
        async 'leads to the page where people decide, and follows it up'() {
          const { posted, taken } = await post(question, 'approvals')
          assert.equal(taken.click, question.buttons?.[0]?.url)
          assert.equal(taken.actions?.[0]?.label, 'Decide')
          const reminder: Message = { mood: 'waiting', title: 'Still open', fields: [], links: [] }
          await provider.reply(connected({ token }), posted, reminder)
          await provider.replace(connected({ token }), posted, decided)
          const [request, reminded, closed] = await shown('approvals')
          assert.deepEqual([reminded?.message, reminded?.click], ['Still open', request?.click])
          assert.match(closed?.message ?? '', /^Approved by Jane Doe/)
          assert.equal(closed?.actions?.[0]?.label, 'Bridge')
        },
        async 'takes the longest text, and no longer one for an attachment'() {
          for (const character of ['x', 'é', '😀', '"', '\n.']) {
            const { taken } = await post({ ...question, text: character.repeat(100_000) })
            assert.equal(taken.attachment, undefined)
            assert.ok(taken.message.length > 500)
            assert.match(taken.message, /…\n\nDecide until/)
          }
        },
        async 'sends any text verbatim'() {
          for (const text of hostile) {
            const { taken } = await post({ ...question, title: text, text, fields: [{ name: text, value: text }] })
            assert.equal(taken.actions?.length, 2)
          }
        },
        async 'says why it is refused'() {
          for (const topic of ['readings', 'others'])
            await fails(post(evaluation, topic), /ntfy answered 403 to POST \/: forbidden/)
          await fails(provider.post(connected({}), 'deploys', evaluation), /forbidden/)
          await fails(provider.post(connected({ token }), 'a b', evaluation), /topic invalid/)
        },
      },
    }
  },
}
