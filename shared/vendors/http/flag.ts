import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { optional, word } from '../../fields.ts'
import { defineFlagProvider } from '../../providers/flag.ts'
import { connectionOf, httpApi, namesOf } from './connection.ts'
import { excerpt, findIn, findText, shown } from './expression.ts'
import { expression } from './expression-field.ts'
import { requestNames, responseNames } from './names.ts'
import { read, write } from './request.ts'
import { readField, writeField } from './request-fields.ts'

const FLAG = ['project', 'environment', 'flag']

const connection = connectionOf({
  environment: optional(word('Default environment')),
  project: optional(word('Default project')),
  get: readField('Reads the flag input.flag in input.environment', requestNames(FLAG)),
  set: writeField(
    'Sets the flag input.flag in input.environment: input.on, input.percentage, input.comment',
    requestNames([...FLAG, 'on', 'percentage', 'comment']),
  ),
  flag: z.strictObject({
    on: expression('Whether the flag is on, in the response of get: response.enabled', responseNames),
    percentage: optional(expression('Percentage of users who get the flag when it is on, 0 to 100', responseNames)),
    url: optional(expression('Link to the flag, for people', responseNames)),
  }),
})

/** Reads and sets flags with any HTTP API. The connection describes the requests and their responses. */
export const httpFlag = defineFlagProvider({
  title: 'HTTP API',
  connection,
  ...httpApi,
  project: { pattern: /^.{1,255}$/, example: 'shop', optional: true },

  async get(client, location, flag) {
    const { connection } = client
    const names = namesOf(client, { ...location, flag })
    const response = await read(client, connection.get, names, { name: 'get' })
    const inResponse = { ...names, response }
    const on = findIn(connection.flag.on, inResponse, 'flag.on')
    if (typeof on !== 'boolean')
      throw new Failure(
        'misconfigured',
        `${shown('flag.on', connection.flag.on)} must find true or false, but finds ${on === undefined ? 'nothing' : excerpt(on)} in the response of the API, which is ${excerpt(response)}.`,
      )
    const percentage = connection.flag.percentage && findIn(connection.flag.percentage, inResponse, 'flag.percentage')
    return {
      on,
      ...(typeof percentage === 'number' ? { percentage } : {}),
      url: findText(connection.flag.url, inResponse, 'flag.url'),
    }
  },

  async set(client, location, changes, comment) {
    // The API has no request for several flags.
    for (const change of changes)
      await write(client, client.connection.set, namesOf(client, { ...location, ...change, comment }), 'set')
    return undefined
  },
})
