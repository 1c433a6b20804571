import { categories } from '../../../functions/index.ts'
import { parseEvent } from '../../../shared/event/event.ts'
import { connect } from '../../../shared/function/connect.ts'
import { outcomeOf } from '../../../shared/function/perform.ts'
import { key, type Subject } from '../cases.ts'

/**
 * Drives a provider as the framework does: the input checked and completed by the action, the connection by the
 * provider's schema, the calls by the client that ships.
 *
 * @param fields of the connection, but its base URL
 */
export function driveProvider(category: string, provider: string, fields: object): Subject['run'] {
  return async (url, row) => {
    const { actions, providers } = find(category)
    const load = providers[provider]
    if (!load) throw new Error(`${category} has no provider ${provider}`)
    const platform = await load()
    const values = platform.connection.parse({ baseUrl: url, ...fields, ...row.connection })
    const client = connect(
      { name: 'contract', provider: platform, values },
      { key: row.noKey ? undefined : key, repeated: row.repeated ?? false, deadlineAt: Date.now() + 20_000 },
    )
    if (row.action === 'check') {
      await platform.check(client)
      return 'checked'
    }
    const action = actions[row.action]
    if (!action) throw new Error(`${category} has no action ${row.action}`)
    const event = parseEvent({ id: 'an-event', data: { project: 'shop', stage: 'production', service: 'checkout' } })
    const input = action.complete(action.input.parse(row.input), { event, connection: values, provider: platform })
    const { result, message } = outcomeOf(await action.act(platform, client, input))
    if (result !== 'pass') throw new Error(`It ended with ${result}: ${message}`)
    return message
  }
}

function find(name: string) {
  const category = categories.find((one) => one.name === name)
  if (!category) throw new Error(`There is no category ${name}`)
  return category
}
