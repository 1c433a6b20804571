import { describe, expect, test } from '@jest/globals'
import { issueTicketing } from '../../../functions/issue-ticketing/index.ts'
import { actionNames } from '../../../shared/providers/category.ts'
import { extendCategory } from '../../../shared/providers/extend-category.ts'
import { openTicket } from '../../../shared/providers/ticket-actions.ts'
import { acme } from '../../templates/ticket/provider.ts'

const load = async () => acme

describe('extendCategory', () => {
  test('adds providers and actions, and leaves the category unchanged', async () => {
    const [providers, actions] = [Object.keys(issueTicketing.providers), actionNames(issueTicketing)]
    const more = { providers: { acme: load }, actions: { 'open-incident': openTicket } }
    const extended = extendCategory(issueTicketing, more)
    expect(Object.keys(extended.providers)).toEqual([...providers, 'acme'])
    expect(actionNames(extended)).toEqual([...actions, 'open-incident'])
    expect(await extended.providers['acme']?.()).toBe(acme)
    expect([Object.keys(issueTicketing.providers), actionNames(issueTicketing)]).toEqual([providers, actions])
  })

  test('rejects the name of a provider or an action of the category', () => {
    const taken = (what: string) => `The category issue-ticketing already has the ${what}. Choose another name.`
    const extend = (more: object) => () => extendCategory(issueTicketing, more)
    expect(extend({ providers: { github: load } })).toThrow(taken('provider github'))
    expect(extend({ actions: { 'open-issue': openTicket } })).toThrow(taken('action open-issue'))
  })
})
