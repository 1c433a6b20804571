import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { describeRule } from '../../../shared/policy/describe.ts'
import { compilePolicy } from '../../../shared/policy/file.ts'

const describe = (rule: string) => {
  const file = {
    timeZone: 'Europe/Vienna',
    approval: { connection: 'chat' },
    groups: { sre: ['a@example.com', 'b@example.com', 'c@example.com', 'd@example.com'] },
    rules: [{ name: 'a', ...parse(rule) }],
  }
  return compilePolicy(file).rules.map(describeRule)[0]
}

test.each([
  [
    '{ atMost: { count: 5, per: PT1H, for: "{connection}/{input.target}" } }',
    'All calls start at most 5 times in 1 h for {connection}/{input.target}. Others are refused.',
  ],
  [
    '{ atMost: { count: 1, per: PT1H, for: "{service}" }, otherwise: wait }',
    'All calls start at most once in 1 h for {service}. The tasks of others wait for at most 4 h.',
  ],
  [
    '{ atMost: { count: 2, per: P1D, for: "{service}" }, otherwise: approve }',
    'All calls start at most 2 times in 1 d for {service}. The tasks of others wait for at most 4 h, or until an approval of anybody in the channel, asked by the connection chat.',
  ],
  [
    '{ oneAtATime: { per: "{service}", queue: 3, turnAtMost: PT1H } }',
    'All calls run one at a time for {service}. At most 3 tasks wait, for at most 4 h. Each runs for at most 1 h.',
  ],
  ['deny: Ask the team', 'All calls are refused: Ask the team.'],
  [
    '{ when: { actions: [ci-cd/*], connections: [prod-*] }, only: { days: mon-fri, from: "08:00", to: "17:00" }, otherwise: wait }',
    'Calls of ci-cd/* with the connection prod-* start Monday to Friday from 08:00 to 17:00, Europe/Vienna time. At other times, their tasks wait for at most 4 h.',
  ],
  [
    '{ when: { actions: [a/b, a/c, a/d], callers: [x, y], agents: true }, only: { days: [mon, wed] } }',
    'Calls of a/b, a/c and a/d from the callers x or y that are agents start Monday and Wednesday, Europe/Vienna time. At other times, they are refused.',
  ],
  [
    '{ when: { actions: [ci-cd/*], effects: [reads, irreversible], connections: [prod] }, deny: Not now }',
    'Calls of ci-cd/* that only read or are irreversible with the connection prod are refused: Not now.',
  ],
  [
    '{ when: { projects: [shop], stages: [production], services: [a, b] }, only: { days: fri-mon, from: "22:00" } }',
    'All calls in the project shop, the stage production and the services a or b start Friday to Monday from 22:00 to 24:00, Europe/Vienna time. At other times, they are refused.',
  ],
  [
    '{ when: { agents: false, input: "percentage > `10`" }, only: { from: "22:00", to: "05:00" }, timeZone: UTC }',
    'All calls from callers that are not agents if percentage > `10` start every day from 22:00 to 05:00, UTC time. At other times, they are refused.',
  ],
  [
    '{ freeze: [{ from: 2026-12-20, to: 2027-01-04, reason: Closing }, { from: "2026-12-05T22:00", to: "2026-12-06T02:00" }] }',
    'All calls do not start from 2026-12-20 to 2027-01-04 (Closing) and from 2026-12-05 22:00 to 2026-12-06 02:00 (Change freeze), Europe/Vienna time. In this time, they are refused.',
  ],
  [
    '{ when: { actions: [ci-cd/*] }, approve: { count: 2, by: [group:sre], notRequester: true, channel: "#ops" } }',
    'Calls of ci-cd/* start after 2 approvals of a@example.com, b@example.com, c@example.com and 1 other, but not of the owners of the caller, asked in #ops by the connection chat. Their tasks wait for at most 4 h.',
  ],
  [
    '{ when: { actions: [ci-cd/*] }, approve: { complete: true } }',
    'Calls of ci-cd/* start after an approval of anybody in the channel, asked by the connection chat, decided on the page with the complete request. Their tasks wait for at most 4 h.',
  ],
  [
    '{ only: { days: mon-fri }, otherwise: approve }',
    'All calls start Monday to Friday, Europe/Vienna time. At other times, their tasks wait for at most 4 h, or until an approval of anybody in the channel, asked by the connection chat.',
  ],
  [
    '{ when: { actions: [ci-cd/*] }, oneAtATime: { per: "{connection}/{service}", queue: 5 }, waitAtMost: PT1H }',
    'Calls of ci-cd/* run one at a time for {connection}/{service}. At most 5 tasks wait, for at most 1 h.',
  ],
])('%s is described as a sentence', (rule, text) => expect(describe(rule)).toBe(text))
