import { describe, expect, test } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import { parseEvent } from '../../shared/orchestrators/event/event.ts'
import { currentActions } from '../../shared/providers/category.ts'
import { validate } from '../../shared/validate.ts'

const actions = categories.flatMap((category) =>
  currentActions(category).map(([name, { input }]) => ({ name: `${category.name}/${name}`, input })),
)

/** Returns the parsed value, or the errors. */
function parsed(parse: () => unknown): unknown {
  try {
    return parse()
  } catch (error) {
    return (error as Error).message
  }
}

describe('A field with null', () => {
  test.each(actions)('of the input of $name is the same as a field that is missing', ({ input }) => {
    const read = (value: object) =>
      parsed(() => validate(input, value, { what: 'The input', root: 'input', isNullUnset: true }))
    for (const field of Object.keys(input.shape))
      expect({ field, read: read({ [field]: null }) }).toEqual({ field, read: read({}) })
  })

  test('of an item in a list is the same as a field that is missing', () => {
    const { input } = actions.find(({ name }) => name === 'feature-flags/set-flags') ?? {}
    if (!input) throw new Error('There is no such action.')
    const flags = [{ flag: 'a', state: 'on', percentage: null }]
    expect(validate(input, { flags }, { what: 'The input', isNullUnset: true })).toEqual({
      flags: [{ flag: 'a', state: 'on' }],
    })
  })

  test.each(['project', 'stage', 'service', 'result', 'status', 'message', 'labels', 'problem', 'evaluation'])(
    'of data, %s, is the same as a field that is missing',
    (field) => {
      const read = (data: object) => parseEvent({ data: { service: 'shop', ...data } })
      const { service: _, ...without } = read({ [field]: null }).data
      const { service: __, ...expected } = (field === 'service' ? parseEvent({ data: {} }) : read({})).data
      expect(without).toEqual(expected)
    },
  )

  test('of a secret or a file is an error, because it may be a setting that its value is missing from', () => {
    const { input } = actions[0] ?? {}
    if (!input) throw new Error('There is no action.')
    expect(() => validate(input, { project: null }, { what: 'The file' })).toThrow('project must be text, not null')
  })
})
