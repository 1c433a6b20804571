import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { optional, word } from '../../fields.ts'
import { defineFlagProvider } from '../../shapes/flag.ts'
import { callField, make } from './call.ts'
import { connectionOf, httpApi } from './connection.ts'
import { expression, findIn, findText } from './expression.ts'

const connection = connectionOf({
  environment: optional(word('Default environment')),
  project: optional(word('Default project')),
  get: callField('Reads the flag input.flag in input.environment'),
  set: callField('Sets the flag input.flag in input.environment: input.on, input.percentage, input.comment'),
  flag: z.strictObject({
    on: expression('Whether it is on, in what get finds'),
    percentage: optional(expression('Who gets it while it is on, 0 to 100')),
    url: optional(expression('Where people see it')),
  }),
})

/** Flags of any API: which calls it has, and where in the answers things are, stands in the connection. */
export const httpFlag = defineFlagProvider({
  title: 'HTTP API',
  connection,
  ...httpApi,
  project: { pattern: /^.{1,255}$/, example: 'shop', optional: true },

  async get(client, place, flag) {
    const { connection, key } = client
    const found = await make(client, connection.get, { input: { ...place, flag }, key }, { name: 'get', reads: true })
    const on = findIn(connection.flag.on, found, 'flag.on')
    if (typeof on !== 'boolean')
      throw new Failure(
        'platform',
        'The API answered something else than expected (flag.on of the connection must find true or false).',
      )
    const percentage = connection.flag.percentage && findIn(connection.flag.percentage, found, 'flag.percentage')
    return {
      on,
      ...(typeof percentage === 'number' ? { percentage } : {}),
      url: findText(connection.flag.url, found, 'flag.url'),
    }
  },

  async set(client, place, changes, comment) {
    const { connection, key } = client
    // One: they are not made together.
    for (const change of changes)
      await make(client, connection.set, { input: { ...place, ...change, comment }, key }, { name: 'set' })
    return undefined
  },
})
