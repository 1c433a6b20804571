import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as lambda from '@aws-sdk/client-lambda'
import * as secretsManager from '@aws-sdk/client-secrets-manager'
import { describe, expect, it } from '@jest/globals'
import { queries } from '../../../infra/aws/queries.ts'
import { finishedReply } from '../../../shared/orchestrators/keptn/reply.ts'
import { passed } from '../../../shared/outcome.ts'
import { alertRules, oneAtATime, root, synthesize, withApprovals } from './synthesize.ts'

const folder = join(root, 'docs/runbooks')
const deployed = synthesize({ verify: { categories: ['slo'] }, policy: oneAtATime, events: alertRules }, withApprovals)
const alarms = deployed.all('AWS::CloudWatch::Alarm')
const pages = readdirSync(folder).filter((name) => name !== 'README.md')
const texts = new Map([...pages, 'README.md'].map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
const pageOf = (description: string) => /docs\/runbooks\/([a-z-]+\.md)$/.exec(description)?.[1] ?? 'none'

describe('runbooks', () => {
  it('exist for each alarm and for nothing else', () => {
    const named = alarms.map(({ Properties }) => pageOf(Properties.AlarmDescription))
    expect([...new Set(named)].sort()).toEqual(pages.sort())
  })

  it('contain the name of their alarm as CloudWatch shows it', () => {
    for (const { id, Properties } of alarms) {
      const [, alarm = ''] = /^Alarm: `([^`]+)`/m.exec(texts.get(pageOf(Properties.AlarmDescription)) ?? '') ?? []
      expect(id).toMatch(new RegExp(`^Alarms${alarm.replace('<Category>', '[A-Z][A-Za-z]+')}[0-9A-F]{8}$`))
    }
  })

  it.each(pages)('%s has the five sections', (page) => {
    const headings = [...(texts.get(page) ?? '').matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
    expect(headings).toEqual(['Meaning', 'What callers see', 'Diagnose', 'Mitigate', 'Resolved when'])
  })

  it('refer to resources that exist exactly once in the stack', () => {
    const wanted = [...texts.values()].flatMap((text) =>
      [...text.matchAll(/\$\(named (\S+) ([^)\s]+)\)/g)].map(([, type = '', prefix = '']) => ({ type, prefix })),
    )
    expect(wanted.length).toBeGreaterThan(10)
    for (const { type, prefix } of wanted) {
      const start = prefix.replace('<Category>', 'CiCd')
      const found = deployed.all(type).filter(({ id }) => id.startsWith(start))
      expect({ type, prefix, found: found.length }).toEqual({ type, prefix, found: 1 })
    }
  })

  it('refer to saved queries that exist', () => {
    const named = [...texts.values()].flatMap((text) =>
      [...text.matchAll(/saved\s+query\s+\*\*([^*]+)\*\*/gi)].map(([, name = '']) => name.replace(/\s+/g, ' ')),
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((name) => !Object.hasOwn(queries, name))).toEqual([])
  })

  it('call operations of Lambda and Secrets Manager that exist', () => {
    const clients: Record<string, object> = { lambda, secretsmanager: secretsManager }
    const calls = [...texts.values()].flatMap((text) => [...text.matchAll(/aws (lambda|secretsmanager) ([a-z-]+)/g)])
    expect(calls.length).toBeGreaterThan(10)
    for (const [call, service = '', operation = ''] of calls) {
      const command = `${operation.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}Command`
      expect({ call, known: command in (clients[service] ?? {}) }).toEqual({ call, known: true })
    }
  })

  it('contain an event by hand with all fields', () => {
    const [, json = ''] = /-d '(\{\n[\s\S]*?\n\})'/.exec(texts.get('README.md') ?? '') ?? []
    const byHand = JSON.parse(json)
    const event = { id: 'i', task: 't', context: 'c', project: 'p', stage: 's', service: 'x', labels: {} }
    const ours = finishedReply(event, 'ci-cd', passed('Done'), true)
    expect(Object.keys(byHand).sort()).toEqual(Object.keys(ours).sort())
    expect(Object.keys(ours.data)).toEqual(expect.arrayContaining(Object.keys(byHand.data)))
    expect(byHand.type.replace('<event.task>', 't')).toBe(ours.type)
    expect(byHand.source.replace('<category>', 'ci-cd')).toBe(ours.source)
  })
})
